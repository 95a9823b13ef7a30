// Prints what Apache makes of each configuration of an ensemble in cases.txt,
// as cases.want: a line "error", or the values that it has read. Cases are
// apart by lines of ---, and the files of a case begin with lines of
// "-- NAME --"; DIR in them is their directory, which is also the dataDir. The
// file "properties" is what -D sets. Record with the jars of Apache ZooKeeper
// 3.9.5:
//
//     java -cp 'JARS/*' Ensembles.java
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.zookeeper.server.quorum.QuorumPeer.LearnerType;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;
import org.apache.zookeeper.server.quorum.flexible.*;

public class Ensembles {
    public static void main(String[] args) throws Exception {
        String cases = new String(Files.readAllBytes(Paths.get("cases.txt")), StandardCharsets.ISO_8859_1);
        StringBuilder out = new StringBuilder();
        for (String files : cases.split("(?m)^---\n")) {
            Path dir = Files.createTempDirectory("zk");
            Properties before = (Properties) System.getProperties().clone();
            for (String file : files.split("(?m)^-- ")) {
                if (file.isEmpty()) {
                    continue;
                }
                String[] parts = file.split(" --\n", 2);
                String text = parts[1].replace("DIR", dir.toString());
                Files.write(dir.resolve(parts[0]), text.getBytes(StandardCharsets.ISO_8859_1));
                if (parts[0].equals("properties")) {
                    Properties p = new Properties();
                    p.load(new StringReader(text));
                    System.getProperties().putAll(p);
                }
            }
            out.append(verdict(dir.resolve("zoo.cfg")).replace(dir.toString(), "DIR").replace("\n", "\\n")).append('\n');
            System.setProperties(before);
            try (DirectoryStream<Path> all = Files.newDirectoryStream(dir)) {
                for (Path p : all) {
                    Files.delete(p);
                }
            }
            Files.delete(dir);
        }
        Files.write(Paths.get("cases.want"), out.toString().getBytes(StandardCharsets.US_ASCII));
    }

    static String verdict(Path cfg) {
        QuorumPeerConfig.setStandaloneEnabled(true);
        QuorumPeerConfig.setReconfigEnabled(false);
        QuorumPeerConfig c;
        try {
            c = new QuorumPeerConfig();
            c.parse(cfg.toString());
        } catch (Exception e) {
            System.err.println(e + " " + e.getCause());
            return "error";
        }
        InetSocketAddress a = c.getClientPortAddress();
        String client = a == null ? "none" : (a.isUnresolved() ? a.getHostString() : a.getAddress().getHostAddress()) + " " + a.getPort();
        if (!c.isDistributed()) {
            return "alone, client " + client;
        }
        if (!c.getServers().containsKey(c.getServerId())) {
            return "error"; // QuorumPeer.start refuses it
        }
        QuorumVerifier qv = c.getQuorumVerifier();
        return String.format("id %d, observer %b, client %s, limits %d %d %d, all addresses %b, multi %b, sync %b, local %b %b, master %d, reconfig %b, version %x, quorums %s, text %s",
            c.getServerId(), c.getPeerType() == LearnerType.OBSERVER, client, c.getInitLimit(), c.getSyncLimit(), 
            c.getConnectToLearnerMasterLimit() > 0 ? c.getConnectToLearnerMasterLimit() : c.getInitLimit(), // as Learner does
            c.getQuorumListenOnAllIPs(), c.isMultiAddressEnabled(), c.getSyncEnabled(), c.areLocalSessionsEnabled(), c.isLocalSessionsUpgradingEnabled(),
            c.getObserverMasterPort(), QuorumPeerConfig.isReconfigEnabled(), qv.getVersion(), quorums(qv), qv);
    }

    // quorums is a digit for each set of voters, in the order of binary
    // numbers whose lowest bit is the voter with the lowest id: 1 is a quorum.
    // What an oracle would add is left out.
    static String quorums(QuorumVerifier qv) {
        if (qv.getVotingMembers().size() > 7) {
            return "-";
        }
        List<Long> voters = new ArrayList<>(new TreeSet<>(qv.getVotingMembers().keySet()));
        StringBuilder out = new StringBuilder();
        for (int set = 0; set < 1 << voters.size(); set++) {
            Set<Long> acks = new HashSet<>();
            for (int i = 0; i < voters.size(); i++) {
                if ((set & 1 << i) != 0) {
                    acks.add(voters.get(i));
                }
            }
            if (qv instanceof QuorumOracleMaj) {
                out.append(acks.size() > voters.size() / 2 ? '1' : '0');
                continue;
            }
            out.append(qv.containsQuorum(acks) ? '1' : '0');
        }
        return out.toString();
    }
}
