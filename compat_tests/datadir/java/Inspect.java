import java.io.File;
import java.util.HashMap;
import java.util.Map;
import org.apache.jute.BinaryInputArchive;
import org.apache.jute.InputArchive;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.persistence.FileSnap;
import org.apache.zookeeper.server.persistence.FileTxnLog;
import org.apache.zookeeper.server.persistence.SnapStream;
import org.apache.zookeeper.server.persistence.TxnLog;

/**
 * Reads every snapshot and every log in the folders given, each from its
 * first byte to its last, with the code of Apache's server, and prints a line
 * for each. Anything that does not read ends it with an exception, but for
 * snapshots that Apache's server itself would pass over as incomplete.
 */
public class Inspect {
    public static void main(String[] folders) throws Exception {
        for (String folder : folders) {
            for (File file : new File(folder).listFiles()) {
                if (file.getName().startsWith("snapshot.")) {
                    snapshot(file);
                }
            }
            logs(new File(folder));
        }
    }

    private static void snapshot(File file) throws Exception {
        if (!SnapStream.isValidSnapshot(file)) {
            System.out.println("incomplete: " + file.getName());
            return;
        }
        DataTree tree = new DataTree();
        Map<Long, Integer> sessions = new HashMap<>();
        try (java.util.zip.CheckedInputStream in = SnapStream.getInputStream(file)) {
            InputArchive archive = BinaryInputArchive.getArchive(in);
            FileSnap.deserialize(tree, sessions, archive);
            SnapStream.checkSealIntegrity(in, archive);
            if (tree.deserializeZxidDigest(archive, 0)) {
                SnapStream.checkSealIntegrity(in, archive);
            }
            if (tree.deserializeLastProcessedZxid(archive)) {
                SnapStream.checkSealIntegrity(in, archive);
            }
            if (in.read() != -1) {
                throw new Exception(file + " goes on after its last seal");
            }
        }
        System.out.printf("%s: %d znodes, %d sessions%n", file.getName(), tree.getNodeCount(), sessions.size());
    }

    private static void logs(File folder) throws Exception {
        FileTxnLog log = new FileTxnLog(folder);
        try (TxnLog.TxnIterator it = log.read(0)) {
            if (it.getHeader() == null) {
                return;
            }
            long first = it.getHeader().getZxid(), last = first, count = 0;
            do {
                if (count > 0 && it.getHeader().getZxid() < last) {
                    throw new Exception("zxid " + it.getHeader().getZxid() + " after " + last);
                }
                last = it.getHeader().getZxid();
                count++;
            } while (it.next());
            System.out.printf("logs of %s: %d transactions, 0x%x to 0x%x%n", folder, count, first, last);
        }
    }
}
