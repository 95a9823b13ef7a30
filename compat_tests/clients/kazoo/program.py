"""What kazoo sees of a server, as a transcript: sessions, one-shot watches,
ACLs, transactions, sequential and ephemeral znodes, the configuration, a cut
connection, a restart of the server, and the end of a session. It runs with kazoo 2.8 and
later; kazoo has no persistent watches, containers or TTL znodes."""

import logging
import sys
import threading

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException
from kazoo.protocol.states import Callback
from kazoo.security import ACL, Id, make_acl, make_digest_acl, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE

LIMIT = 40  # seconds to wait for anything
logging.basicConfig(level=logging.CRITICAL)
clients = []
seen = []  # events that were delivered and not yet printed


def say(*words):
    print(*words, flush=True)


def shown(value):
    """The value without its times, zxids and session ids."""
    if isinstance(value, tuple) and hasattr(value, "czxid"):
        owner = "none" if value.ephemeralOwner == 0 else "other"
        for i, client in enumerate(clients):
            if client.client_id and value.ephemeralOwner == client.client_id[0]:
                owner = "session%d" % i
        return "stat(version=%d cversion=%d aversion=%d data=%d children=%d owner=%s created%smodified)" % (
            value.version, value.cversion, value.aversion, value.dataLength, value.numChildren, owner,
            "=" if value.czxid == value.mzxid else "<" if value.czxid < value.mzxid else ">")
    if isinstance(value, list) and value and isinstance(value[0], ACL):
        return "[%s]" % ", ".join("%s:%s:%d" % (a.id.scheme, a.id.id, a.perms) for a in value)
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return str(sorted(value))
    if isinstance(value, (list, tuple)):
        return "(%s)" % ", ".join(shown(v) for v in value)
    if isinstance(value, Exception):
        return type(value).__name__
    return repr(value)


def do(what, function, *args, **kwargs):
    try:
        result = shown(function(*args, **kwargs))
    except (KazooException, TypeError, ValueError) as err:
        result = "raises " + type(err).__name__
    say(what, "->", result)


def watch(label):
    return lambda event: seen.append("event %s %s %s by %s" % (event.type, event.path, event.state, label))


def events(client):
    """Prints the events that came before now. A reply comes after the events
    that precede it, and callbacks run one by one."""
    client.sync("/")
    done = threading.Event()
    client.handler.dispatch_callback(Callback("watch", done.set, ()))
    if not done.wait(LIMIT):
        raise Exception("the callbacks do not end")
    for line in seen:
        say(line)
    say("events:", len(seen))
    del seen[:]


def connect(address, **options):
    retry = {"max_tries": -1, "delay": 0.2, "backoff": 1}
    client = KazooClient(hosts=address, timeout=20.0, connection_retry=retry, **options)
    client.start(timeout=LIMIT)
    clients.append(client)
    return client


def znodes(zk):
    do("create", zk.create, "/k", b"one")
    do("create again", zk.create, "/k", b"two")
    do("create without parent", zk.create, "/no/parent", b"")
    do("create path", zk.create, "/deep/er/path", b"x", makepath=True)
    do("create with stat", zk.create, "/stat", b"four", include_data=True)
    do("create sequential", zk.create, "/k/s-", b"", sequence=True)
    do("create sequential", zk.create, "/k/s-", b"", sequence=True)
    do("create ephemeral", zk.create, "/k/e", b"mine", ephemeral=True)
    do("create ephemeral sequential", zk.create, "/k/es-", b"", ephemeral=True, sequence=True)
    do("create under ephemeral", zk.create, "/k/e/child", b"")
    do("get", zk.get, "/k")
    do("get ephemeral", zk.get, "/k/e")
    do("get none", zk.get, "/none")
    do("exists none", zk.exists, "/none")
    do("set", zk.set, "/k", b"three", version=0)
    do("set of an old version", zk.set, "/k", b"four", version=0)
    do("set of nothing", zk.set, "/k", b"")
    do("exists", zk.exists, "/k")
    do("children", zk.get_children, "/k")
    do("children with stat", zk.get_children, "/k", include_data=True)
    do("delete parent", zk.delete, "/k")
    do("delete of another version", zk.delete, "/stat", version=7)
    do("delete", zk.delete, "/stat", version=0)
    do("delete again", zk.delete, "/stat")
    do("delete recursively", zk.delete, "/deep", recursive=True)
    do("large", zk.create, "/large", b"x" * 1000000)
    do("large", zk.exists, "/large")
    do("delete large", zk.delete, "/large")
    do("root", zk.get_children, "/")
    do("system", zk.get_children, "/zookeeper")
    do("config", zk.get, "/zookeeper/config")
    do("set config", zk.set, "/zookeeper/config", b"")


def watches(zk, other):
    do("watch absent", zk.exists, "/w", watch=watch("exists"))
    other.create("/w", b"")
    events(zk)
    do("watch data", zk.get, "/w", watch=watch("data"))
    do("watch children", zk.get_children, "/w", watch=watch("children"))
    do("watch existing", zk.exists, "/w", watch=watch("exists"))
    other.set("/w", b"1")
    other.set("/w", b"2")
    events(zk)
    other.create("/w/c", b"")
    other.create("/w/d", b"")
    events(zk)
    do("watch child's data", zk.get, "/w/c", watch=watch("data"))
    do("watch child's children", zk.get_children, "/w/c", watch=watch("children"))
    do("watch children", zk.get_children, "/w", watch=watch("children"))
    other.delete("/w/c")
    events(zk)
    do("watch of an absent's data", zk.get, "/absent", watch=watch("data"))
    other.create("/absent", b"")
    events(zk)


def acls(zk, other, address):
    digest = make_digest_acl("ann", "secret", all=True)
    do("create with digest", zk.create, "/digest", b"private", acl=[digest])
    do("get as nobody", zk.get, "/digest")
    do("acl as nobody", zk.get_acls, "/digest")
    do("add digest", zk.add_auth, "digest", "ann:secret")
    do("get as ann", zk.get, "/digest")
    do("acl as ann", zk.get_acls, "/digest")
    do("get as another", other.get, "/digest")
    do("child as another", other.create, "/digest/c", b"")
    do("create for creator", zk.create, "/creator", b"", acl=[ACL(31, Id("auth", ""))])
    do("acl of creator", zk.get_acls, "/creator")
    do("create for creator without one", other.create, "/creatorless", b"", acl=[ACL(31, Id("auth", ""))])
    do("create for here", zk.create, "/here", b"h", acl=[make_acl("ip", "127.0.0.1", read=True, admin=True)])
    do("get here", other.get, "/here")
    do("set here", other.set, "/here", b"")
    do("create for a net", zk.create, "/net", b"n", acl=[make_acl("ip", "127.0.0.0/8", all=True)])
    do("get in the net", other.get, "/net")
    do("create for elsewhere", zk.create, "/there", b"", acl=[make_acl("ip", "10.1.0.0/16", all=True)])
    do("get elsewhere", other.get, "/there")
    do("bad ip", zk.create, "/bad", b"", acl=[make_acl("ip", "here", all=True)])
    do("bad scheme", zk.create, "/bad", b"", acl=[make_acl("carrier", "pigeon", all=True)])
    do("set acl", zk.set_acls, "/digest", READ_ACL_UNSAFE + [digest], version=0)
    do("set acl of an old version", zk.set_acls, "/digest", OPEN_ACL_UNSAFE, version=0)
    do("get as another", other.get, "/digest")
    do("set as another", other.set, "/digest", b"")
    do("set acl as another", other.set_acls, "/digest", OPEN_ACL_UNSAFE)
    ann = connect(address, auth_data=[("digest", "ann:secret")], default_acl=[digest])
    do("get as ann elsewhere", ann.get, "/creator")
    do("create by default", ann.create, "/default", b"")
    do("acl by default", ann.get_acls, "/default")
    ann.stop()
    ann.close()


def transactions(zk):
    good = zk.transaction()
    good.create("/t", b"0")
    good.create("/t/a", b"a", ephemeral=True)
    good.create("/t/s-", b"", sequence=True)
    good.check("/t", 0)
    good.set_data("/t", b"1", 0)
    good.check("/t", 1)
    good.delete("/t/a")
    do("transaction", good.commit)
    do("after", zk.get, "/t")
    do("after", zk.get_children, "/t")
    bad = zk.transaction()
    bad.create("/t/b", b"")
    bad.set_data("/t", b"2")
    bad.check("/t", 9)
    bad.delete("/none")
    do("failing transaction", bad.commit)
    do("after", zk.get, "/t")
    do("after", zk.get_children, "/t")
    for name, error in (("exists", ("create", "/t")), ("no node", ("delete", "/t/none")), ("not empty", ("delete", "/t"))):
        bad = zk.transaction()
        bad.set_data("/t", b"3")
        getattr(bad, error[0])(error[1])
        do("transaction, " + name, bad.commit)
    do("empty transaction", zk.transaction().commit)


class Connection:
    """The states of a client's connection, without repetitions."""

    def __init__(self, client):
        self.states, self.back = [], threading.Event()
        client.add_listener(self.listen)

    def listen(self, state):
        if self.states[-1:] != [state]:
            self.states.append(state)
        if self.states == [KazooState.SUSPENDED, KazooState.CONNECTED]:
            self.back.set()


class Recipe:
    """The calls of kazoo's own recipes, which watch for as long as they live.
    They read again after a lost connection, for which kazoo ends its watches:
    each on a thread of its own. One that has not read yet when the connection is
    lost once more takes its watch for set, and is never called again."""

    def __init__(self, zk):
        self.lock, self.calls, self.watching, self.readers = threading.Condition(), [], 0, []
        self.spawn = zk.handler.spawn
        zk.handler.spawn = self.reads

    def reads(self, *what, **options):
        reader = self.spawn(*what, **options)
        with self.lock:
            self.readers.append(reader)
            self.lock.notify_all()
        return reader

    def settle(self):
        """Waits until all have read again after a lost connection."""
        with self.lock:
            if not self.lock.wait_for(lambda: len(self.readers) >= self.watching, LIMIT):
                raise Exception("only %d of %d read again" % (len(self.readers), self.watching))
            readers, self.readers = self.readers, []
        for reader in readers:
            reader.join(LIMIT)

    def data(self, zk, path):
        self.watching += 1
        zk.DataWatch(path, lambda data, stat: self.called("data of %s: %r, version %s" % (path, data, stat and stat.version)))

    def children(self, zk, path):
        self.watching += 1
        zk.ChildrenWatch(path, lambda names: self.called("children of %s: %s" % (path, sorted(names))))

    def called(self, line):
        with self.lock:
            self.calls.append(line)
            self.lock.notify_all()

    def show(self, least):
        """Waits for so many calls and prints all; each runs on a thread of its own."""
        with self.lock:
            if not self.lock.wait_for(lambda: len(self.calls) >= least, LIMIT):
                raise Exception("only %s" % self.calls)
            for line in sorted(self.calls):
                say("call,", line)
            del self.calls[:]


def ask(request):
    say(request)
    sys.stdin.readline()


def missed(other, rounds):
    other.set("/away/set", b"1")
    other.set("/away/set", b"2")
    other.create("/away/kids/%d" % rounds, b"")
    other.delete("/away/again")
    other.create("/away/again", b"")
    other.create("/away/brief", b"")
    other.delete("/away/brief")
    if rounds == 1:
        other.delete("/away/gone")
        other.create("/away/new", b"")


def away(zk, other):
    recipe = Recipe(zk)
    for name in "set", "kids", "gone", "again", "still":
        other.create("/away/" + name, b"", makepath=True)
        recipe.data(zk, "/away/" + name)
    for path in "/away", "/away/kids", "/away/still":
        recipe.children(zk, path)
    for path in "/away/new", "/away/brief":
        recipe.data(zk, path)
    recipe.show(10)
    for rounds, calls in (1, 6), (2, 3):
        connection = Connection(zk)
        ask("@cut")
        missed(other, rounds)
        ask("@mend")
        if not connection.back.wait(LIMIT):
            raise Exception("no connection after the cut: %s" % connection.states)
        recipe.settle()
        recipe.show(calls)
    other.set("/away/still", b"1")
    other.create("/away/still/c", b"")
    other.delete("/away/again")
    recipe.show(4)


def restart(zk, other):
    session = zk.client_id
    zk.create("/r", b"")
    zk.create("/r/e", b"", ephemeral=True)
    zk.create("/r/s-", b"", sequence=True)
    do("watch data", zk.get, "/r", watch=watch("data"))
    do("watch children", zk.get_children, "/r", watch=watch("children"))
    do("watch absent", zk.exists, "/r/new", watch=watch("exists"))
    connections = [Connection(zk), Connection(other)]
    ask("@restart")
    for connection in connections:
        if not connection.back.wait(LIMIT):
            raise Exception("no connection after the restart: %s" % connection.states)
    say("same session", zk.client_id == session)
    events(zk)  # kazoo itself ends the watches of a lost connection
    do("ephemeral", zk.get, "/r/e")
    do("ephemeral for others", other.get, "/r/e")
    do("digest kept", zk.get, "/creator")
    do("watch data again", zk.get, "/r", watch=watch("data"))
    do("watch children again", zk.get_children, "/r", watch=watch("children"))
    zk.set("/r", b"1")
    zk.create("/r/new", b"")
    events(zk)
    do("sequence goes on", zk.create, "/r/s-", b"", sequence=True)
    do("after", zk.get, "/r")
    do("after", zk.get_children, "/r")


def ends(zk, other):
    do("watch ephemeral", other.exists, "/r/e", watch=watch("exists"))
    do("watch ephemeral", other.get, "/k/e", watch=watch("data"))
    zk.stop()
    zk.close()
    events(other)
    do("ephemerals", other.get_children, "/k")
    do("ephemerals", other.get_children, "/r")
    other.stop()
    other.close()


def main(address, proxy):
    zk, other = connect(proxy), connect(address)
    say("version", zk.server_version()[:2])
    znodes(zk)
    watches(zk, other)
    acls(zk, other, address)
    transactions(zk)
    away(zk, other)
    restart(zk, other)
    ends(zk, other)
    say("end")


main(sys.argv[1], sys.argv[2])
