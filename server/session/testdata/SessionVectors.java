// SessionVectors writes vectors.tsv: session passwords and first session ids
// as an Apache ZooKeeper 3.9.5 on the class path makes them. Run it with
//   java -cp CLASSPATH SessionVectors.java > vectors.tsv

import java.lang.reflect.Method;
import java.util.Random;
import org.apache.zookeeper.common.Time;
import org.apache.zookeeper.server.SessionTrackerImpl;
import org.apache.zookeeper.server.ZooKeeperServer;

public class SessionVectors {
    public static void main(String[] args) throws Exception {
        Method passwd = ZooKeeperServer.class.getDeclaredMethod("generatePasswd", long.class);
        passwd.setAccessible(true);
        ZooKeeperServer server = new ZooKeeperServer();
        long[] ids = {1, 2, 0x100000000000001L, 0x1000123456789abL, -1, -2, Long.MAX_VALUE, Long.MIN_VALUE, 0xB3415C00L,
            0x10005c2d3e40000L, 0x3f0a1b2c3d4e5f6L};
        Random random = new Random(1);
        for (int i = 0; i < 40; i++) {
            long id = i < ids.length ? ids[i] : random.nextLong();
            StringBuilder hex = new StringBuilder();
            for (byte b : (byte[]) passwd.invoke(server, id)) {
                hex.append(String.format("%02x", b));
            }
            System.out.println("passwd\t" + Long.toHexString(id) + "\t" + hex);
        }
        // Only ids that were made within one ms are recorded with that ms.
        for (long server_id : new long[] {0, 1, 5, 127, 128, 254, 255, 256, -1, 1000}) {
            long before;
            long id;
            do {
                before = Time.currentElapsedTime();
                id = SessionTrackerImpl.initializeNextSessionId(server_id);
            } while (Time.currentElapsedTime() != before);
            System.out.println("firstid\t" + server_id + "\t" + before + "\t" + Long.toHexString(id));
        }
    }
}
