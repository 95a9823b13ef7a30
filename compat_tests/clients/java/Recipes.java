import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.retry.RetryUntilElapsed;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.Stat;

/** What Curator and its recipes see of a server, as a transcript. */
public class Recipes {
    static final int LIMIT_SECONDS = 40;

    final CuratorFramework a, b;
    final CountDownLatch back = new CountDownLatch(2);

    Recipes(String address) throws Exception {
        a = client(address);
        b = client(address);
    }

    public static void main(String[] args) throws Exception {
        Recipes r = new Recipes(args[0]);
        r.znodes();
        r.transaction();
        r.locks();
        r.counters();
        r.watches();
        r.queue();
        r.restart();
        r.a.close();
        r.b.close();
        say("end");
    }

    CuratorFramework client(String address) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder().connectString(address)
            .sessionTimeoutMs(20000).retryPolicy(new RetryUntilElapsed(30000, 200)).build();
        client.getConnectionStateListenable().addListener((c, state) -> {
            if (state == ConnectionState.RECONNECTED) {
                back.countDown();
            }
        });
        client.start();
        check(client.blockUntilConnected(LIMIT_SECONDS, TimeUnit.SECONDS), "connection");
        return client;
    }

    static void say(Object text) {
        System.out.println(text);
        System.out.flush();
    }

    static void check(boolean in, String what) throws Exception {
        if (!in) {
            throw new Exception("no " + what);
        }
    }

    interface Call {
        Object call() throws Exception;
    }

    static void act(String what, Call call) throws Exception {
        try {
            say(what + " -> " + text(call.call()));
        } catch (KeeperException e) {
            say(what + " fails " + e.code() + " " + e.getPath());
        }
    }

    static String text(Object value) {
        if (value instanceof byte[]) {
            return "'" + new String((byte[]) value) + "'";
        }
        if (value instanceof Stat) {
            Stat s = (Stat) value;
            return String.format("stat(version=%d cversion=%d aversion=%d data=%d children=%d %s)", s.getVersion(), s.getCversion(),
                s.getAversion(), s.getDataLength(), s.getNumChildren(), s.getEphemeralOwner() == 0 ? "" : "ephemeral");
        }
        if (value instanceof List) {
            List<String> items = new ArrayList<>();
            ((List<?>) value).forEach(item -> items.add(String.valueOf(item)));
            Collections.sort(items);
            return items.toString();
        }
        return String.valueOf(value);
    }

    void znodes() throws Exception {
        act("create", () -> a.create().creatingParentsIfNeeded().forPath("/z/y/x", "1".getBytes()));
        act("create again", () -> a.create().forPath("/z/y/x"));
        act("create or set", () -> a.create().orSetData().forPath("/z/y/x", "2".getBytes()));
        act("containers", () -> a.create().creatingParentContainersIfNeeded().withMode(CreateMode.EPHEMERAL).forPath("/k/y/x"));
        act("container", () -> a.checkExists().forPath("/k/y"));
        act("TTL", () -> a.create().withTtl(3600000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/ttl"));
        act("sequential", () -> a.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/z/s-"));
        act("read only", () -> a.create().withACL(ZooDefs.Ids.READ_ACL_UNSAFE).forPath("/read", "r".getBytes()));
        act("set read only", () -> b.setData().forPath("/read"));
        act("acl", () -> b.getACL().forPath("/read").size());
        act("get", () -> b.getData().forPath("/z/y/x"));
        act("set", () -> b.setData().withVersion(1).forPath("/z/y/x", "3".getBytes()));
        act("set old", () -> b.setData().withVersion(1).forPath("/z/y/x", "4".getBytes()));
        act("children", () -> b.getChildren().forPath("/z"));
        act("delete full", () -> b.delete().forPath("/z"));
        act("delete all", () -> b.delete().guaranteed().deletingChildrenIfNeeded().forPath("/z"));
        act("gone", () -> a.checkExists().forPath("/z"));
        act("config", () -> a.getConfig().forEnsemble());
    }

    void transaction() throws Exception {
        for (int version : new int[] {0, 7}) {
            act("transaction", () -> {
                List<String> results = new ArrayList<>();
                for (CuratorTransactionResult r : a.transaction().forOperations(
                    a.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/t-"),
                    a.transactionOp().setData().forPath("/k", "t".getBytes()),
                    a.transactionOp().check().withVersion(version).forPath("/k/y"))) {
                    results.add(r.getType() + " " + r.getForPath() + " " + r.getResultPath() + " " + r.getError());
                }
                return results;
            });
        }
        act("after", () -> a.getChildren().forPath("/"));
    }

    void locks() throws Exception {
        InterProcessMutex mine = new InterProcessMutex(a, "/lock"), others = new InterProcessMutex(b, "/lock");
        mine.acquire();
        act("held", () -> others.acquire(100, TimeUnit.MILLISECONDS));
        act("holders", () -> mine.getParticipantNodes().size());
        mine.release();
        act("free", () -> others.acquire(LIMIT_SECONDS, TimeUnit.SECONDS));
        others.release();
        InterProcessReadWriteLock reading = new InterProcessReadWriteLock(a, "/rw"), writing = new InterProcessReadWriteLock(b, "/rw");
        reading.readLock().acquire();
        act("read beside a read", () -> writing.readLock().acquire(LIMIT_SECONDS, TimeUnit.SECONDS));
        writing.readLock().release();
        act("write beside a read", () -> writing.writeLock().acquire(100, TimeUnit.MILLISECONDS));
        reading.readLock().release();
        act("write", () -> writing.writeLock().acquire(LIMIT_SECONDS, TimeUnit.SECONDS));
        writing.writeLock().release();
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(a, "/semaphore", 1);
        Lease lease = semaphore.acquire(LIMIT_SECONDS, TimeUnit.SECONDS);
        act("no lease", () -> new InterProcessSemaphoreV2(b, "/semaphore", 1).acquire(100, TimeUnit.MILLISECONDS));
        semaphore.returnLease(lease);
        LeaderLatch first = new LeaderLatch(a, "/leader", "a"), second = new LeaderLatch(b, "/leader", "b");
        first.start();
        check(first.await(LIMIT_SECONDS, TimeUnit.SECONDS), "leader");
        second.start();
        say("leader " + second.getLeader().getId());
        first.close();
        check(second.await(LIMIT_SECONDS, TimeUnit.SECONDS), "second leader");
        say("leader " + second.getLeader().getId());
        second.close();
    }

    void counters() throws Exception {
        DistributedAtomicLong one = new DistributedAtomicLong(a, "/long", new RetryOneTime(1)), two = new DistributedAtomicLong(b, "/long", new RetryOneTime(1));
        for (int i = 0; i < 5; i++) {
            AtomicValue<Long> sum = (i % 2 == 0 ? one : two).add(10L);
            say("sum " + sum.succeeded() + " " + sum.preValue() + " " + sum.postValue());
        }
        SharedCount shared = new SharedCount(a, "/count", 3);
        shared.start();
        shared.setCount(8);
        act("count", () -> b.checkExists().forPath("/count"));
        shared.close();
    }

    /** One session's changes reach another's cache and its watches in order. */
    void watches() throws Exception {
        a.create().forPath("/cache", "0".getBytes());
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        CuratorCache cache = CuratorCache.build(a, "/cache");
        cache.listenable().addListener(CuratorCacheListener.builder()
            .forAll((type, old, data) -> events.add(type + " " + text(old) + " " + text(data)))
            .forInitialized(() -> events.add("initialized")).build());
        cache.start();
        next(events, 2);
        b.create().forPath("/cache/x", "1".getBytes());
        next(events, 1);
        b.create().forPath("/cache/x/y", "2".getBytes());
        next(events, 1);
        b.setData().forPath("/cache/x", "3".getBytes());
        next(events, 1);
        b.delete().forPath("/cache/x/y");
        next(events, 1);
        cache.close();
        a.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE)
            .usingWatcher((org.apache.zookeeper.Watcher) e -> events.add(e.getType() + " " + e.getPath())).forPath("/cache");
        b.setData().forPath("/cache", "4".getBytes());
        b.delete().forPath("/cache/x");
        next(events, 2);
        a.watchers().removeAll().forPath("/cache");
        next(events, 1);
    }

    static String text(ChildData data) {
        return data == null ? "-" : data.getPath() + "'" + new String(data.getData()) + "' " + data.getStat().getVersion();
    }

    static void next(BlockingQueue<String> events, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            String event = events.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            check(event != null, "event");
            say("sees " + event);
        }
    }

    void queue() throws Exception {
        SimpleDistributedQueue in = new SimpleDistributedQueue(a, "/queue"), out = new SimpleDistributedQueue(b, "/queue");
        for (int i = 0; i < 5; i++) {
            in.offer(("item " + i).getBytes());
        }
        for (int i = 0; i < 6; i++) {
            act("poll", () -> out.poll());
        }
    }

    void restart() throws Exception {
        PersistentNode node = new PersistentNode(a, CreateMode.EPHEMERAL, false, "/node", "here".getBytes());
        node.start();
        check(node.waitForInitialCreate(LIMIT_SECONDS, TimeUnit.SECONDS), "node");
        GroupMember member = new GroupMember(a, "/group", "a", "m".getBytes());
        CountDownLatch joined = new CountDownLatch(1);
        act("member before", () -> b.checkExists().usingWatcher((org.apache.zookeeper.Watcher) e -> joined.countDown()).forPath("/group/a"));
        member.start(); // which does not wait for its znode
        check(joined.await(LIMIT_SECONDS, TimeUnit.SECONDS), "member");
        InterProcessMutex mutex = new InterProcessMutex(a, "/lock");
        mutex.acquire();
        long session = a.getZookeeperClient().getZooKeeper().getSessionId();
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        a.watchers().add().withMode(AddWatchMode.PERSISTENT)
            .usingWatcher((org.apache.zookeeper.Watcher) e -> {
                if (e.getPath() != null) {
                    events.add(e.getType() + " " + e.getPath());
                }
            }).forPath("/count");
        say("@restart");
        System.in.read();
        check(back.await(LIMIT_SECONDS, TimeUnit.SECONDS), "connection after the restart");
        say("same session " + (session == a.getZookeeperClient().getZooKeeper().getSessionId()));
        // The recipe may have set the data again meanwhile, so no versions here.
        act("node", () -> b.getData().forPath("/node"));
        act("member", () -> b.getData().forPath("/group/a"));
        act("lock still held", () -> new InterProcessMutex(b, "/lock").acquire(100, TimeUnit.MILLISECONDS));
        mutex.release();
        b.setData().forPath("/count", "1234".getBytes());
        b.delete().forPath("/count");
        next(events, 2);
        member.close();
        node.close();
        act("node after the close", () -> b.checkExists().forPath("/node"));
    }
}
