// AuthVectors writes vectors.tsv: what the classes of an Apache ZooKeeper
// 3.9.5 on the class path answer. Run it with
//   java -Dfile.encoding=UTF-8 -cp CLASSPATH AuthVectors.java > vectors.tsv

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.*;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.server.PrepRequestProcessor;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;
import org.apache.zookeeper.server.auth.IPAuthenticationProvider;

public class AuthVectors {
    static String json(String s) {
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') {
                b.append('\\').append(c);
            } else if (c < 32 || c > 126) {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
        return b.append('"').toString();
    }

    static String json(Id id) {
        return "[" + json(id.getScheme()) + "," + json(id.getId()) + "]";
    }

    static String jsonIds(List<Id> ids) {
        StringJoiner j = new StringJoiner(",", "[", "]");
        ids.forEach(i -> j.add(json(i)));
        return j.toString();
    }

    static String jsonAcl(List<ACL> acl) {
        StringJoiner j = new StringJoiner(",", "[", "]");
        acl.forEach(a -> j.add("[" + a.getPerms() + "," + json(a.getId().getScheme()) + "," + json(a.getId().getId()) + "]"));
        return j.toString();
    }

    static void row(Object... fields) {
        StringJoiner j = new StringJoiner("\t");
        for (Object f : fields) {
            j.add(f.toString());
        }
        System.out.println(j);
    }

    static final String[] NETWORKS = {
        "", "1", "1.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.4.", "256.0.0.1", "255.255.255.255", "-1.2.3.4", "-0.2.3.4",
        "+1.2.3.4", "01.002.0003.4", "1.2.3.4/", "1.2.3.4/0", "1.2.3.4/32", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/-0",
        "1.2.3.4/+8", "1.2.3.4/08", "1.2.3.4/8/9", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/ 8", "a.b.c.d", "0x1.2.3.4",
        "2147483648.1.1.1", "-2147483648.1.1.1", "1.2.3.4/4294967296", "localhost", "...", "1..2.3", "+.1.1.1", "-.1.1.1",
        "::", "::1", "1::", "::1/128", "::1/129", "::/0", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1:2:3::5:6:7:8", "1::2::3", ":::", "::::", ":", "1:",
        "1:::2", "::ffff:1.2.3.4", "fe80::1%eth0", "fe80:0:0:0:0:0:0:1", "fe80::1/10", "FE80::ABCD", "12345::", "g::",
        "00001::", "0001::", "+1::", "-1::", "-fff::1", "::-0", "+::", "2001:db8::/32", "2001:db8::/33/1", "[::1]",
        "::1/", "::1/x", "1.2.3.4:80", "::1.2", "1:2:3:4:5:6:7: 8", "/8", "/", "10.0.0.0/8", "10.255.0.1/9",
        "10.128.0.0/9", "0.0.0.0/0", "192.168.1.17/28", "192.168.1.16/28", "2001:db8:0:0:0:0:0:1",
        "2001:db9:0:0:0:0:0:1", "0:0:0:0:0:0:0:1", "2001:db8:8000::/33", "ffff::/1", "ffff::/15", "ffff::/17"
    };
    static final String[] HOSTS = {
        "1.2.3.4", "10.1.2.3", "10.200.0.1", "192.168.1.17", "192.168.1.31", "192.168.1.32", "0:0:0:0:0:0:0:1",
        "2001:db8:0:0:0:0:0:1", "2001:db8:8000:0:0:0:0:1", "2001:db9:0:0:0:0:0:1", "fe80:0:0:0:1234:0:0:1",
        "fe80:0:0:0:1234:0:0:1%eth0", "fe80:0:0:0:0:0:0:1", "ffff:0:0:0:0:0:0:0", "fffe:0:0:0:0:0:0:0",
        "1:2:3:4:5:6:7:0", ""
    };
    static final String[] CREDENTIALS = {
        "user:pass", "", "a", ":", "a:", ":b", "a:b:c", "super:test", "\u00e4\u00f6:\u00fc", "\ud83d\ude00:x"
    };
    static final String[] ALGS = {
        "SHA1", "sha1", "SHA-1", "SHA", "MD5", "SHA-224", "SHA-256", "sha-384", "SHA-512", "SHA-512/224", "SHA-512/256",
        "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"
    };
    static final Random random = new Random(20240607);

    static <T> T pick(List<T> from) {
        return from.get(random.nextInt(from.size()));
    }

    static void texts() throws Exception {
        IPAuthenticationProvider ip = new IPAuthenticationProvider();
        for (String n : NETWORKS) {
            row("ipvalid", json(n), ip.isValid(n));
            for (String h : HOSTS) {
                row("ipmatch", json(h), json(n), ip.matches(h, n));
            }
        }
        DigestAuthenticationProvider digest = new DigestAuthenticationProvider();
        for (String t : new String[] {"", "a", ":", "::", "a:b", ":b", "a:", "a:b:", "a:b::", "a::b", "::b", "a:b:c", "a: "}) {
            row("digestvalid", json(t), digest.isValid(t));
        }
        for (String alg : ALGS) {
            for (String c : CREDENTIALS) {
                byte[] h = MessageDigest.getInstance(alg).digest(c.getBytes(StandardCharsets.UTF_8));
                String id = c.split(":", 2)[0] + ":" + Base64.getEncoder().encodeToString(h);
                if (alg.equals("SHA1") && !id.equals(DigestAuthenticationProvider.generateDigest(c))) {
                    throw new Error("not Apache's digest");
                }
                row("digest", alg, json(c), json(id));
            }
        }
        for (String t : new String[] {"a:b", ":b", "a:b:c", "ab"}) {
            row("digestuser", json(t), json(digest.getUserName(t)));
        }
        for (String t : new String[] {"a:b", ":b", "a:b:c", "ab", "a:b\nc:d", "a:b\rc", "a:\u0085b", "a:b\u2028:z\u2029q", ":", "", "a:\n:\n", "\n"}) {
            row("mask", json(t), json(t.replaceAll(":.*", ":x")));
        }
    }

    static void utf8() {
        int[] odd = {0x41, 0x7f, 0x80, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff, 0x90, 0x9f};
        for (int n = 0; n < 400; n++) {
            byte[] b = new byte[1 + random.nextInt(7)];
            StringBuilder hex = new StringBuilder();
            for (int i = 0; i < b.length; i++) {
                b[i] = (byte) odd[random.nextInt(odd.length)];
                hex.append(String.format("%02x", b[i]));
            }
            row("utf8", hex, json(new String(b, StandardCharsets.UTF_8)));
        }
    }

    static void acls() throws Exception {
        ZooKeeperServer server = new ZooKeeperServer();
        List<Id> entries = List.of(new Id("world", "anyone"), new Id("world", "other"), new Id("auth", ""), new Id("auth", "x"),
            new Id("digest", "a:1"), new Id("digest", "b:2"), new Id("digest", "a"), new Id("ip", "10.0.0.0/8"),
            new Id("ip", "::1"), new Id("ip", "nonsense"), new Id("super", ""), new Id("sasl", "a"), new Id("", ""));
        List<Id> holders = List.of(new Id("ip", "10.1.1.1"), new Id("ip", "0:0:0:0:0:0:0:1"), new Id("digest", "a:1"),
            new Id("digest", "b:2"), new Id("digest", "c:3"), new Id("super", ""), new Id("sasl", "a"), new Id("world", "anyone"));
        List<Integer> perms = List.of(0, 1, 2, 4, 8, 16, 17, 31, -1, 32);
        for (int n = 0; n < 600; n++) {
            List<ACL> acl = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                acl.add(new ACL(pick(perms), pick(entries)));
            }
            LinkedHashSet<Id> ids = new LinkedHashSet<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                ids.add(pick(holders));
            }
            List<Id> have = new ArrayList<>(ids);
            int perm = pick(perms);
            boolean allowed = true;
            try {
                server.checkACL(null, acl, perm, have, "/x", null);
            } catch (KeeperException.NoAuthException e) {
                allowed = false;
            }
            row("check", perm, jsonAcl(acl), jsonIds(have), allowed);
            String fixed;
            try {
                fixed = jsonAcl(PrepRequestProcessor.fixupACL("/x", have, acl));
            } catch (KeeperException.InvalidACLException e) {
                fixed = "null";
            }
            row("fixup", jsonAcl(acl), jsonIds(have), fixed);
        }
    }

    public static void main(String[] args) throws Exception {
        texts();
        utf8();
        acls();
    }
}
