// Prints what Apache's QuorumPeerConfig makes of each file in cases.txt (the
// files are apart by lines of ---), as cases.want: a line "error", or the
// values that it has read. Record with the jars of Apache ZooKeeper 3.9.5:
//
//     java -cp 'JARS/*' Verdicts.java
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

public class Verdicts {
    public static void main(String[] args) throws Exception {
        String cases = new String(Files.readAllBytes(Paths.get("cases.txt")), StandardCharsets.ISO_8859_1);
        StringBuilder out = new StringBuilder();
        for (String file : cases.split("(?m)^---\n")) {
            Path cfg = Files.createTempFile("zoo", ".cfg");
            Files.write(cfg, file.getBytes(StandardCharsets.ISO_8859_1));
            out.append(verdict(cfg)).append('\n');
            Files.delete(cfg);
        }
        Files.write(Paths.get("cases.want"), out.toString().getBytes(StandardCharsets.US_ASCII));
    }

    static String verdict(Path cfg) {
        QuorumPeerConfig.setStandaloneEnabled(true);
        QuorumPeerConfig.setReconfigEnabled(false);
        QuorumPeerConfig c = new QuorumPeerConfig();
        try {
            c.parse(cfg.toString());
        } catch (Exception e) {
            return "error";
        }
        InetSocketAddress a = c.getClientPortAddress();
        String address = a == null ? "none" : a.getAddress().getHostAddress() + " " + a.getPort();
        return String.format("client %s, backlog %d, tick %d, session %d to %d, per address %d, data %s, log %s, retain %d, purge %d, reconfig %b, ensemble %b",
            address, c.getClientPortListenBacklog(), c.getTickTime(), c.getMinSessionTimeout(), c.getMaxSessionTimeout(),
            c.getMaxClientCnxns(), c.getDataDir(), c.getDataLogDir(), c.getSnapRetainCount(), c.getPurgeInterval(),
            QuorumPeerConfig.isReconfigEnabled(), c.isDistributed());
    }
}
