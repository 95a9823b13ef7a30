import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/** What Apache's Java client sees of a server, as a transcript. */
public class Program {
    static final int LIMIT_SECONDS = 40;
    static final List<ACL> OPEN = Ids.OPEN_ACL_UNSAFE;
    static final List<ZooKeeper> sessions = new ArrayList<>();
    /** Events delivered and not yet printed, in order. */
    static final List<String> seen = Collections.synchronizedList(new ArrayList<>());

    final String address;
    final Connection first, second;
    final ZooKeeper zk, other;

    Program(String address, String proxy) throws Exception {
        this.address = address;
        first = new Connection(proxy);
        second = new Connection(address);
        zk = first.zk;
        other = second.zk;
    }

    public static void main(String[] args) throws Exception {
        Program p = new Program(args[0], args[1]);
        p.znodes();
        p.shortLived();
        p.acls();
        p.multi();
        p.oneShotWatches();
        p.persistentWatches();
        p.removals();
        p.away();
        p.restart();
        p.expiry();
        p.other.close();
        say("end");
    }

    /** A client and the states that its connection went through. */
    static class Connection implements Watcher {
        final ZooKeeper zk;
        final CountDownLatch expired = new CountDownLatch(1);
        private final List<KeeperState> states = new ArrayList<>();

        Connection(String address) throws Exception {
            zk = new ZooKeeper(address, 20000, this);
            await(KeeperState.SyncConnected);
            sessions.add(zk);
        }

        Connection(String address, long id, byte[] password) throws Exception {
            zk = new ZooKeeper(address, 20000, this, id, password);
            await(KeeperState.SyncConnected);
        }

        @Override
        public synchronized void process(WatchedEvent event) {
            if (event.getType() != EventType.None) {
                seen.add(text(event) + " by default");
                return;
            }
            if (states.isEmpty() || states.get(states.size() - 1) != event.getState()) {
                states.add(event.getState());
                notifyAll();
            }
            if (event.getState() == KeeperState.Expired) {
                expired.countDown();
            }
        }

        /** Waits until the connection was lost and is there again. */
        void awaitReturn() throws Exception {
            await(KeeperState.SyncConnected, KeeperState.Disconnected, KeeperState.SyncConnected);
            forget();
        }

        private synchronized void forget() {
            states.subList(0, states.size() - 1).clear();
        }

        synchronized void await(KeeperState... want) throws Exception {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
            while (!states.equals(Arrays.asList(want))) {
                long ms = (end - System.nanoTime()) / 1000000;
                if (ms <= 0) {
                    throw new Exception("states " + states);
                }
                wait(ms);
            }
        }
    }

    static void say(Object text) {
        System.out.println(text);
        System.out.flush();
    }

    static <T> T act(String what, Callable<T> call) throws Exception {
        try {
            T result = call.call();
            say(what + " -> " + text(result));
            return result;
        } catch (KeeperException e) {
            say(what + " fails " + e.code() + " " + e.getPath() + " " + text(e.getResults()));
        } catch (IllegalArgumentException e) {
            say(what + " refused " + e.getMessage());
        }
        return null;
    }

    interface Action {
        void run() throws Exception;
    }

    static void act(String what, Action action) throws Exception {
        act(what, () -> {
            action.run();
            return "done";
        });
    }

    static String text(Object value) {
        if (value instanceof byte[]) {
            return "'" + new String((byte[]) value) + "'";
        }
        if (value instanceof Stat) {
            return text((Stat) value);
        }
        if (value instanceof OpResult) {
            return result((OpResult) value);
        }
        if (value instanceof List) {
            List<String> items = new ArrayList<>();
            ((List<?>) value).forEach(item -> items.add(text(item)));
            if (!items.isEmpty() && ((List<?>) value).get(0) instanceof String) {
                Collections.sort(items);
            }
            return items.toString();
        }
        if (value instanceof ACL) {
            ACL acl = (ACL) value;
            return acl.getId().getScheme() + ":" + acl.getId().getId() + ":" + acl.getPerms();
        }
        return String.valueOf(value);
    }

    static String text(Stat s) {
        String owner = s.getEphemeralOwner() == 0 ? "none" : "0x" + Long.toHexString(s.getEphemeralOwner());
        for (int i = 0; i < sessions.size(); i++) {
            if (sessions.get(i).getSessionId() == s.getEphemeralOwner()) {
                owner = "session" + i;
            }
        }
        return String.format("stat(version=%d cversion=%d aversion=%d data=%d children=%d owner=%s %s%s)",
            s.getVersion(), s.getCversion(), s.getAversion(), s.getDataLength(), s.getNumChildren(), owner,
            s.getMzxid() == s.getCzxid() ? "" : "modified ", s.getPzxid() == s.getCzxid() ? "" : "parent");
    }

    static String result(OpResult r) {
        if (r instanceof OpResult.ErrorResult) {
            return "error " + ((OpResult.ErrorResult) r).getErr();
        }
        if (r instanceof OpResult.CreateResult) {
            OpResult.CreateResult c = (OpResult.CreateResult) r;
            return "create " + c.getPath() + " " + text((Object) c.getStat());
        }
        if (r instanceof OpResult.SetDataResult) {
            return "set " + text(((OpResult.SetDataResult) r).getStat());
        }
        if (r instanceof OpResult.GetDataResult) {
            OpResult.GetDataResult g = (OpResult.GetDataResult) r;
            return "get " + text(g.getData()) + " " + text(g.getStat());
        }
        if (r instanceof OpResult.GetChildrenResult) {
            return "children " + text(((OpResult.GetChildrenResult) r).getChildren());
        }
        return r.getClass().getSimpleName();
    }

    static String text(WatchedEvent e) {
        return "event " + e.getType() + " " + e.getPath();
    }

    /** A watcher with a name; each call makes another one. */
    static Watcher watcher(String name) {
        return new Watcher() {
            @Override
            public void process(WatchedEvent event) {
                if (event.getType() != EventType.None) {
                    seen.add(text(event) + " by " + name);
                }
            }
        };
    }

    /** Prints the events up to now: a callback comes after the events that precede its reply. */
    static void events(ZooKeeper client) throws Exception {
        CountDownLatch synced = new CountDownLatch(1);
        client.sync("/", (rc, path, ctx) -> synced.countDown(), null);
        await(synced, "sync");
        seen.forEach(Program::say);
        say("events: " + seen.size());
        seen.clear();
    }

    static void await(CountDownLatch latch, String what) throws Exception {
        if (!latch.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new Exception("no " + what);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes();
    }

    void create(String path, CreateMode mode) throws Exception {
        act("create " + mode + " " + path, () -> zk.create(path, bytes(path), OPEN, mode));
    }

    Object dataOf(ZooKeeper client, String path) throws Exception {
        Stat stat = new Stat();
        byte[] data = client.getData(path, false, stat);
        return text(data) + " " + text(stat);
    }

    void znodes() throws Exception {
        for (CreateMode mode : new CreateMode[] {CreateMode.PERSISTENT, CreateMode.PERSISTENT_SEQUENTIAL,
            CreateMode.EPHEMERAL, CreateMode.EPHEMERAL_SEQUENTIAL, CreateMode.CONTAINER}) {
            create("/" + mode, mode);
            create("/" + mode, mode);
        }
        create("/PERSISTENT/child", CreateMode.EPHEMERAL);
        create("/EPHEMERAL/child", CreateMode.PERSISTENT);
        create("/none/child", CreateMode.PERSISTENT);
        for (String path : new String[] {"relative", "/end/", "/a//b", "/a/./b", "/zookeeper/mine"}) {
            create(path, CreateMode.PERSISTENT);
        }
        Stat stat = new Stat();
        act("create with stat", () -> zk.create("/stat", null, OPEN, CreateMode.PERSISTENT, stat));
        say(text(stat));
        act("null data", () -> dataOf(zk, "/stat"));
        act("TTL", () -> zk.create("/ttl", bytes("t"), OPEN, CreateMode.PERSISTENT_WITH_TTL, stat, 3600000));
        act("sequential TTL", () -> zk.create("/ttl-", bytes("t"), OPEN, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 3600000));
        act("TTL of zero", () -> zk.create("/zero", bytes("t"), OPEN, CreateMode.PERSISTENT_WITH_TTL, stat, 0));
        act("exists", () -> zk.exists("/CONTAINER", false) != null);
        act("set", () -> zk.setData("/PERSISTENT", bytes("new"), 0));
        act("set old", () -> zk.setData("/PERSISTENT", bytes("new"), 0));
        act("get", () -> dataOf(zk, "/PERSISTENT"));
        act("get none", () -> dataOf(zk, "/none"));
        act("children", () -> zk.getChildren("/", false));
        act("children of none", () -> zk.getChildren("/none", false));
        act("all children", () -> zk.getAllChildrenNumber("/"));
        act("all below", () -> zk.getAllChildrenNumber("/PERSISTENT"));
        act("ephemerals", () -> zk.getEphemerals());
        act("ephemerals below", () -> zk.getEphemerals("/PERSISTENT"));
        act("ephemerals of another", () -> other.getEphemerals());
        act("delete full", () -> zk.delete("/PERSISTENT", -1));
        act("delete wrong", () -> zk.delete("/stat", 5));
        act("delete", () -> zk.delete("/stat", 0));
        act("config", () -> zk.getConfig(false, stat));
        say(text(stat));
        act("config is not data", () -> zk.setData("/zookeeper/config", null, -1));
        act("who am I", () -> zk.whoAmI().size());
    }

    /** Containers and TTL znodes go by themselves when they are empty. */
    void shortLived() throws Exception {
        Stat stat = new Stat();
        for (String path : new String[] {"/goes-ttl", "/goes-container"}) {
            CountDownLatch gone = new CountDownLatch(1);
            boolean ttl = path.endsWith("ttl");
            zk.create(path, null, OPEN, ttl ? CreateMode.PERSISTENT_WITH_TTL : CreateMode.CONTAINER, stat, ttl ? 100 : -1);
            zk.exists(path, event -> {
                say("event " + event.getType() + " " + event.getPath());
                gone.countDown();
            });
            if (!ttl) {
                zk.create(path + "/c", null, OPEN, CreateMode.PERSISTENT);
                zk.delete(path + "/c", -1);
            }
            await(gone, "end of " + path);
        }
    }

    void acls() throws Exception {
        String ann = DigestAuthenticationProvider.generateDigest("ann:secret");
        List<ACL> anns = Arrays.asList(new ACL(Perms.ALL, new Id("digest", ann)));
        act("for ann", () -> zk.create("/ann", bytes("a"), anns, CreateMode.PERSISTENT));
        act("get as nobody", () -> dataOf(zk, "/ann"));
        act("acl as nobody", () -> zk.getACL("/ann", new Stat()));
        zk.addAuthInfo("digest", bytes("ann:secret"));
        act("get as ann", () -> dataOf(zk, "/ann"));
        act("acl as ann", () -> zk.getACL("/ann", new Stat()));
        act("who am I", () -> zk.whoAmI().stream().map(i -> i.getAuthScheme() + ":" + i.getUser()).sorted().toArray().length);
        act("for creator", () -> zk.create("/creator", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT));
        act("acl of creator", () -> zk.getACL("/creator", new Stat()));
        act("for no creator", () -> other.create("/nobody", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT));
        act("for here", () -> zk.create("/here", null, Arrays.asList(new ACL(Perms.READ, new Id("ip", "127.0.0.1"))), CreateMode.PERSISTENT));
        act("get here", () -> dataOf(other, "/here"));
        act("set here", () -> other.setData("/here", null, -1));
        act("for elsewhere", () -> zk.create("/there", null, Arrays.asList(new ACL(Perms.ALL, new Id("ip", "10.0.0.0/8"))), CreateMode.PERSISTENT));
        act("get elsewhere", () -> dataOf(other, "/there"));
        act("bad ip", () -> zk.create("/bad", null, Arrays.asList(new ACL(Perms.ALL, new Id("ip", "x"))), CreateMode.PERSISTENT));
        act("no acl", () -> zk.create("/bad", null, new ArrayList<>(), CreateMode.PERSISTENT));
        act("set acl", () -> zk.setACL("/ann", Ids.READ_ACL_UNSAFE, 0));
        act("set acl again", () -> zk.setACL("/ann", anns, 1));
        act("get as another", () -> dataOf(other, "/ann"));
    }

    void multi() throws Exception {
        act("multi", () -> zk.multi(Arrays.asList(
            Op.create("/m", bytes("0"), OPEN, CreateMode.PERSISTENT), Op.create("/m/e", null, OPEN, CreateMode.EPHEMERAL),
            Op.create("/m/s-", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL), Op.create("/m/c", null, OPEN, CreateMode.CONTAINER),
            Op.check("/m", 0), Op.setData("/m", bytes("1"), 0), Op.delete("/m/e", -1))));
        act("failing multi", () -> zk.multi(Arrays.asList(
            Op.setData("/m", bytes("2"), -1), Op.check("/m", 9), Op.delete("/none", -1))));
        act("failing create", () -> zk.multi(Arrays.asList(
            Op.create("/m/new", null, OPEN, CreateMode.PERSISTENT), Op.create("/m", null, OPEN, CreateMode.PERSISTENT))));
        act("multi without rights", () -> other.multi(Arrays.asList(Op.setData("/m", null, -1), Op.delete("/creator/x", -1))));
        act("after", () -> dataOf(zk, "/m"));
        act("read", () -> zk.multi(Arrays.asList(Op.getData("/m"), Op.getChildren("/m"), Op.getData("/none"), Op.getChildren("/none"))));
        act("read without rights", () -> other.multi(Arrays.asList(Op.getData("/creator"), Op.getChildren("/m"))));
        act("empty", () -> zk.multi(new ArrayList<>()));
    }

    void oneShotWatches() throws Exception {
        zk.exists("/w", watcher("exists"));
        other.create("/w", null, OPEN, CreateMode.PERSISTENT);
        zk.getData("/w", watcher("data"), null);
        zk.getChildren("/w", watcher("children"));
        zk.exists("/w", true);
        other.setData("/w", null, -1);
        other.setData("/w", null, -1);
        other.create("/w/c", null, OPEN, CreateMode.PERSISTENT);
        zk.getData("/w/c", watcher("data"), null);
        zk.getChildren("/w", watcher("children"));
        other.multi(Arrays.asList(Op.setData("/w/c", null, -1), Op.delete("/w/c", -1)));
        events(zk);
    }

    void persistentWatches() throws Exception {
        zk.addWatch("/w", watcher("persistent"), AddWatchMode.PERSISTENT);
        zk.addWatch("/w", watcher("recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        changes("/w");
        events(zk);
        zk.addWatch("/", AddWatchMode.PERSISTENT_RECURSIVE);
        changes("/w");
        events(zk);
        act("remove at the root", () -> zk.removeAllWatches("/", WatcherType.Any, false));
        events(zk);
    }

    void changes(String path) throws Exception {
        other.setData(path, null, -1);
        other.create(path + "/p", null, OPEN, CreateMode.PERSISTENT);
        other.create(path + "/p/q", null, OPEN, CreateMode.PERSISTENT);
        other.setData(path + "/p", null, -1);
        other.delete(path + "/p/q", -1);
        other.delete(path + "/p", -1);
    }

    void removals() throws Exception {
        Watcher data = watcher("data"), children = watcher("children");
        zk.getData("/w", data, null);
        zk.getChildren("/w", children);
        act("remove data", () -> zk.removeWatches("/w", data, WatcherType.Data, false));
        act("remove data again", () -> zk.removeWatches("/w", data, WatcherType.Data, false));
        act("remove none", () -> zk.removeAllWatches("/none", WatcherType.Any, false));
        events(zk);
        act("remove children", () -> zk.removeAllWatches("/w", WatcherType.Children, false));
        events(zk);
        changes("/w");
        events(zk);
    }

    static void ask(String request) throws Exception {
        say(request);
        System.in.read();
    }

    /** A client that was away hears once of what it has missed, and goes on to hear of the rest. */
    void away() throws Exception {
        List<String> all = Arrays.asList("", "/set", "/kids", "/gone", "/again", "/still", "/secret", "/shut");
        for (String name : all) {
            other.create("/away" + name, null, OPEN, CreateMode.PERSISTENT);
        }
        for (String name : all) {
            zk.getData("/away" + name, watcher("data"), null);
            zk.exists("/away" + name, watcher("exists"));
            zk.getChildren("/away" + name, watcher("children"));
        }
        zk.exists("/away/new", watcher("absent"));
        zk.exists("/away/brief", watcher("absent"));
        zk.exists("/away/never", watcher("absent"));
        zk.addWatch("/away/set", watcher("persistent"), AddWatchMode.PERSISTENT);
        zk.addWatch("/away", watcher("recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        events(zk);
        for (int round = 1; round <= 2; round++) {
            ask("@cut");
            missed(round);
            ask("@mend");
            first.awaitReturn();
            events(zk);
        }
        missed(3);
        other.setData("/away/never", null, -1);
        other.setData("/away/still", null, -1);
        other.create("/away/still/c", null, OPEN, CreateMode.PERSISTENT);
        events(zk);
    }

    void missed(int round) throws Exception {
        List<ACL> elsewhere = Arrays.asList(new ACL(Perms.ALL, new Id("ip", "10.0.0.1")));
        other.setData("/away/set", bytes("1"), -1);
        other.setData("/away/set", bytes("2"), -1);
        other.create("/away/kids/" + round, null, OPEN, CreateMode.PERSISTENT);
        other.delete("/away/again", -1);
        other.create("/away/again", null, OPEN, CreateMode.PERSISTENT);
        other.create("/away/brief", null, OPEN, CreateMode.PERSISTENT);
        other.delete("/away/brief", -1);
        if (round == 1) {
            other.delete("/away/gone", -1);
            other.create("/away/new", null, OPEN, CreateMode.PERSISTENT);
            other.setACL("/away/shut", elsewhere, -1);
            other.setData("/away/secret", null, -1);
            other.setACL("/away/secret", elsewhere, -1);
        } else if (round == 3) {
            other.create("/away/never", null, OPEN, CreateMode.PERSISTENT);
        }
    }

    /** Both sessions outlive a restart of the server, with ephemerals and watches. */
    void restart() throws Exception {
        zk.create("/r", null, OPEN, CreateMode.PERSISTENT);
        zk.create("/r/s-", null, OPEN, CreateMode.PERSISTENT_SEQUENTIAL);
        zk.create("/r/e", null, OPEN, CreateMode.EPHEMERAL);
        zk.getData("/r", watcher("data"), null);
        zk.getChildren("/r", watcher("children"));
        zk.exists("/r/new", watcher("exists"));
        zk.addWatch("/r", watcher("persistent"), AddWatchMode.PERSISTENT);
        zk.addWatch("/r", watcher("recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        long id = zk.getSessionId();
        events(zk);
        ask("@restart");
        for (Connection c : new Connection[] {first, second}) {
            c.awaitReturn();
        }
        say("same session " + (zk.getSessionId() == id));
        events(zk);
        act("ephemerals", () -> zk.getEphemerals());
        act("ephemeral", () -> zk.exists("/r/e", false));
        act("as ann", () -> dataOf(zk, "/ann"));
        other.create("/r/new", null, OPEN, CreateMode.PERSISTENT);
        changes("/r");
        events(zk);
        changes("/w");
        events(zk);
        create("/r/s-", CreateMode.PERSISTENT_SEQUENTIAL);
        act("after", () -> zk.exists("/r", false));
        act("children", () -> zk.getChildren("/r", false));
    }

    /** A twin with the same session ends it; the first learns that it expired. */
    void expiry() throws Exception {
        other.exists("/r/e", watcher("exists"));
        Connection twin = new Connection(address, zk.getSessionId(), zk.getSessionPasswd());
        say("same session " + (twin.zk.getSessionId() == zk.getSessionId()));
        twin.zk.close();
        await(first.expired, "expiry");
        seen.removeIf(line -> !line.endsWith("by exists"));
        events(other);
        act("as the expired", () -> zk.exists("/", false));
        act("children", () -> other.getChildren("/r", false));
        act("root", () -> other.getChildren("/", false));
        zk.close();
    }
}
