import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import org.apache.jute.BinaryOutputArchive;
import org.apache.jute.Record;
import org.apache.zookeeper.MultiOperationRecord;
import org.apache.zookeeper.MultiResponse;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.proto.*;
import org.apache.zookeeper.txn.*;
import org.apache.zookeeper.CreateMode;

/**
 * Prints the wire form of every record as Apache's own classes write it, one "name hex" line each.
 * The output is records.txt; the class path needs the zookeeper and zookeeper-jute jars of 3.9.5
 * and their logging jars.
 */
public class Records {
    static void put(String name, Record r) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        r.serialize(BinaryOutputArchive.getArchive(out), "record");
        StringBuilder hex = new StringBuilder();
        for (byte b : out.toByteArray()) {
            hex.append(String.format("%02x", b));
        }
        System.out.println(name + " " + hex);
    }

    public static void main(String[] args) throws Exception {
        byte[] data = {1, 2, 3};
        List<ACL> acl = Arrays.asList(
            new ACL(ZooDefs.Perms.ALL, new Id("world", "anyone")),
            new ACL(ZooDefs.Perms.READ, new Id("digest", "u\u00e4\ud83d\ude00:h")));
        Stat stat = new Stat(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        List<String> paths = Arrays.asList("/a", "/b/c");

        put("ConnectRequest", new ConnectRequest(0, 0x1122334455L, 30000, 0x1000000000000001L, new byte[16], true));
        put("ConnectResponse", new ConnectResponse(0, 30000, 0x1000000000000001L, new byte[16], false));
        put("RequestHeader", new RequestHeader(7, ZooDefs.OpCode.getData));
        put("ReplyHeader", new ReplyHeader(7, 0x500000001L, -101));
        put("CreateRequest", new CreateRequest("/a", data, acl, 3));
        put("CreateRequestNulls", new CreateRequest("/a", null, null, 0));
        put("CreateTTLRequest", new CreateTTLRequest("/a", data, acl, 5, 60000));
        put("DeleteRequest", new DeleteRequest("/a", -1));
        put("SetDataRequest", new SetDataRequest("/a", data, 4));
        put("SetACLRequest", new SetACLRequest("/a", acl, 2));
        put("GetDataRequest", new GetDataRequest("/a", true));
        put("SyncRequest", new SyncRequest("/a"));
        put("GetEphemeralsRequest", new GetEphemeralsRequest("/a"));
        put("ReconfigRequest", new ReconfigRequest("j", "l", "n", -1));
        put("AuthPacket", new AuthPacket(0, "digest", data));
        put("GetSASLRequest", new GetSASLRequest(data));
        put("WatcherEvent", new WatcherEvent(3, 3, "/a"));
        put("AddWatchRequest", new AddWatchRequest("/a", 1));
        put("RemoveWatchesRequest", new RemoveWatchesRequest("/a", 3));
        put("SetWatches", new SetWatches(5, paths, paths, paths));
        put("SetWatches2", new SetWatches2(5, paths, paths, paths, paths, paths));
        put("Stat", stat);
        put("TxnHeader", new TxnHeader(1, 2, 3, 4, 5));
        put("TxnDigest", new TxnDigest(2, -5));
        put("CreateTxn", new CreateTxn("/a", data, acl, true, 9));
        put("CreateContainerTxn", new CreateContainerTxn("/a", data, acl, 9));
        put("CreateTTLTxn", new CreateTTLTxn("/a", data, acl, 9, 60000));
        put("DeleteTxn", new DeleteTxn("/a"));
        put("SetDataTxn", new SetDataTxn("/a", data, 9));
        put("SetACLTxn", new SetACLTxn("/a", acl, 9));
        put("CheckVersionTxn", new CheckVersionTxn("/a", 9));
        put("CreateSessionTxn", new CreateSessionTxn(30000));
        put("CloseSessionTxn", new CloseSessionTxn(paths));
        put("ErrorTxn", new ErrorTxn(-101));
        put("MultiTxn", new MultiTxn(Arrays.asList(
            new Txn(ZooDefs.OpCode.delete, bytes(new DeleteTxn("/a"))),
            new Txn(ZooDefs.OpCode.error, bytes(new ErrorTxn(-2))))));
        put("MultiRequest", new MultiOperationRecord(Arrays.asList(
            Op.create("/a", data, acl, CreateMode.EPHEMERAL), Op.delete("/b", 3), Op.check("/c", 1))));
        MultiResponse response = new MultiResponse();
        response.add(new OpResult.CreateResult("/a"));
        response.add(new OpResult.CreateResult("/b", stat));
        response.add(new OpResult.SetDataResult(stat));
        response.add(new OpResult.DeleteResult());
        response.add(new OpResult.CheckResult());
        response.add(new OpResult.ErrorResult(-101));
        put("MultiResponse", response);
    }

    static byte[] bytes(Record r) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        r.serialize(BinaryOutputArchive.getArchive(out), "record");
        return out.toByteArray();
    }
}
