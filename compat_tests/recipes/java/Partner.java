import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.Participant;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.retry.RetryNTimes;

/**
 * Does with Curator what the lines of its input say: ACTOR VERB ARGUMENTS. Each actor is a thread with a session of its own,
 * because Curator's locks belong to threads. What it did is answered by ACTOR RESULT.
 */
public class Partner {
    static final int SESSION_MS = 60_000;

    final String address;
    final Map<String, ExecutorService> threads = new HashMap<>();
    final Map<String, Actor> actors = new HashMap<>();

    Partner(String address) {
        this.address = address;
    }

    public static void main(String[] args) throws Exception {
        Partner partner = new Partner(args[0]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            partner.hear(line.split(" "));
        }
        System.exit(0); // whatever they are doing: their sessions expire
    }

    void hear(String[] words) {
        ExecutorService thread = threads.computeIfAbsent(words[0], name -> Executors.newSingleThreadExecutor());
        Actor actor = actors.computeIfAbsent(words[0], name -> new Actor(address));
        thread.execute(() -> say(words[0] + " " + actor.does(words[1], Arrays.copyOfRange(words, 2, words.length))));
    }

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** One participant. What it holds is given back in the opposite order. */
    static class Actor {
        final CuratorFramework client;
        final Deque<AutoCloseable> held = new ArrayDeque<>();
        LeaderLatch latch;
        DistributedDoubleBarrier barrier;

        Actor(String address) {
            client = CuratorFrameworkFactory.builder().connectString(address).sessionTimeoutMs(SESSION_MS).retryPolicy(new RetryNTimes(50, 100)).build();
            client.start();
        }

        String does(String verb, String[] args) {
            try {
                return act(verb, args);
            } catch (Exception e) {
                return "failed " + e;
            }
        }

        String act(String verb, String[] args) throws Exception {
            switch (verb) {
                case "session":
                    client.blockUntilConnected();
                    return "" + client.getZookeeperClient().getZooKeeper().getSessionId();
                case "look":
                    client.checkExists().forPath("/");
                    return "looked";
                case "lock":
                    return hold(new InterProcessMutex(client, args[0]));
                case "read":
                    return hold(new InterProcessReadWriteLock(client, args[0]).readLock());
                case "write":
                    return hold(new InterProcessReadWriteLock(client, args[0]).writeLock());
                case "lease":
                    Lease lease = new InterProcessSemaphoreV2(client, args[0], Integer.parseInt(args[1])).acquire();
                    held.push(lease);
                    return "held";
                case "release":
                    held.pop().close();
                    return "released";
                case "count":
                    return count(args[0], args[1], args[2], Integer.parseInt(args[3]));
                case "stand":
                    latch = new LeaderLatch(client, args[0], args[1]);
                    latch.start();
                    held.push(latch);
                    return "stands";
                case "lead":
                    latch.await();
                    return "leads";
                case "leader":
                    return latch.getLeader().getId();
                case "candidates":
                    StringBuilder ids = new StringBuilder();
                    for (Participant p : latch.getParticipants()) {
                        ids.append(ids.length() > 0 ? "," : "").append(p.getId());
                    }
                    return ids.toString();
                case "enter":
                    barrier = new DistributedDoubleBarrier(client, args[0], Integer.parseInt(args[1]));
                    barrier.enter();
                    return "entered";
                case "leave":
                    barrier.leave();
                    return "left";
                case "add":
                    return add(args[0], Long.parseLong(args[1]), Integer.parseInt(args[2]));
                case "get":
                    return "" + new DistributedAtomicLong(client, args[0], new RetryNTimes(0, 0)).get().postValue();
                default:
                    return others(verb, args);
            }
        }

        /** The recipes beside the six. */
        String others(String verb, String[] args) throws Exception {
            switch (verb) {
                case "set":
                    new DistributedBarrier(client, args[0]).setBarrier();
                    return "set";
                case "remove":
                    new DistributedBarrier(client, args[0]).removeBarrier();
                    return "removed";
                case "wait":
                    new DistributedBarrier(client, args[0]).waitOnBarrier();
                    return "passed";
                case "join":
                    GroupMember member = new GroupMember(client, args[0], args[1], args[2].getBytes());
                    member.start();
                    held.push(member);
                    return "joins";
                case "members":
                    Map<String, String> members = new TreeMap<>();
                    ((GroupMember) held.peek()).getCurrentMembers().forEach((name, data) -> members.put(name, new String(data)));
                    return members.toString();
                case "offer":
                    new SimpleDistributedQueue(client, args[0]).offer(args[1].getBytes());
                    return "offered";
                default:
                    throw new IllegalArgumentException(verb);
            }
        }

        String hold(InterProcessMutex lock) throws Exception {
            lock.acquire();
            held.push(lock::release);
            return "held";
        }

        /** Adds to a number that only the lock, of any kind, protects. */
        String count(String kind, String lock, String path, int rounds) throws Exception {
            for (int i = 0; i < rounds; i++) {
                act(kind, new String[] {lock, "1"});
                long n = Long.parseLong(new String(client.getData().forPath(path)));
                client.setData().forPath(path, Long.toString(n + 1).getBytes());
                held.pop().close();
            }
            return "counted";
        }

        String add(String path, long delta, int rounds) throws Exception {
            DistributedAtomicLong number = new DistributedAtomicLong(client, path, new RetryNTimes(1000, 1));
            for (int i = 0; i < rounds; i++) {
                AtomicValue<Long> sum = number.add(delta);
                if (!sum.succeeded()) {
                    return "failed after " + i;
                }
            }
            return "added";
        }
    }
}
