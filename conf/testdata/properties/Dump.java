// Prints what java.util.Properties makes of each file given, one FILE.want
// beside it: a line "key=value" per property, sorted, every character outside
// ! to ~ as \\uXXXX, so that the lines are unambiguous; or a line "error".
//
//     java Dump.java *.properties
import java.io.*;
import java.nio.file.*;
import java.util.*;

public class Dump {
    static String quote(String s) {
        StringBuilder b = new StringBuilder();
        for (char c : s.toCharArray()) {
            if (c > 32 && c < 127 && c != '=' && c != '\\') b.append(c);
            else b.append(String.format("\\u%04x", (int) c));
        }
        return b.toString();
    }

    public static void main(String[] files) throws IOException {
        for (String file : files) {
            Properties p = new Properties();
            StringBuilder out = new StringBuilder();
            try (InputStream in = new FileInputStream(file)) {
                p.load(in);
                TreeMap<String, String> lines = new TreeMap<>();
                for (String k : p.stringPropertyNames()) lines.put(quote(k), quote(p.getProperty(k)));
                for (Map.Entry<String, String> e : lines.entrySet()) out.append(e.getKey()).append('=').append(e.getValue()).append('\n');
            } catch (IllegalArgumentException e) {
                out.setLength(0);
                out.append("error\n");
            }
            Files.write(Paths.get(file.replaceAll("\\.properties$", ".want")), out.toString().getBytes("US-ASCII"));
        }
    }
}
