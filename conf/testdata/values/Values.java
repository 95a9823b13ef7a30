// Prints how Java reads each line of values.txt, as values.want: tab separated
// Integer.parseInt, Integer.decode, Long.parseLong, Long.decode,
// Double.parseDouble, Boolean.parseBoolean; "-" where Java throws.
//
//     java Values.java
import java.io.*;
import java.nio.file.*;
import java.util.function.Function;

public class Values {
    static String read(Function<String, Object> f, String s) {
        try {
            return f.apply(s).toString();
        } catch (NumberFormatException e) {
            return "-";
        }
    }

    public static void main(String[] args) throws IOException {
        StringBuilder out = new StringBuilder();
        for (String s : Files.readAllLines(Paths.get("values.txt"))) {
            out.append(String.join("\t", read(Integer::parseInt, s), read(Integer::decode, s), read(Long::parseLong, s),
                read(Long::decode, s), read(Double::parseDouble, s), read(Boolean::parseBoolean, s))).append('\n');
        }
        Files.write(Paths.get("values.want"), out.toString().getBytes("US-ASCII"));
    }
}
