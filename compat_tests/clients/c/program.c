/* What the C client sees of a server, as a transcript. */
#define THREADED
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

#define LIMIT_SECONDS 40

/* The session's state and the events delivered and not yet printed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int connections, synced, seen;
static char events[100][200];

static void session(zhandle_t *zh, int type, int state, const char *path, void *ctx) {
    pthread_mutex_lock(&lock);
    if (type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE) {
        connections++;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
}

static void watch(zhandle_t *zh, int type, int state, const char *path, void *ctx) {
    if (type == ZOO_SESSION_EVENT) return; /* every watcher hears of the connection, when it may */
    pthread_mutex_lock(&lock);
    if (seen < 100) snprintf(events[seen++], sizeof events[0], "event %d %s by %s", type, path, (const char *)ctx);
    pthread_mutex_unlock(&lock);
}

static void await(int *counter, int want) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += LIMIT_SECONDS;
    pthread_mutex_lock(&lock);
    while (*counter < want)
        if (pthread_cond_timedwait(&changed, &lock, &end)) {
            fprintf(stderr, "waited in vain\n");
            exit(1);
        }
    pthread_mutex_unlock(&lock);
}

static void on_sync(int rc, const char *path, const void *data) {
    pthread_mutex_lock(&lock);
    synced++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Prints the events up to now: one thread delivers events and completions in order. */
static void print_events(zhandle_t *zh) {
    int want = synced + 1;
    if (zoo_async(zh, "/", on_sync, NULL) != ZOK) exit(1);
    await(&synced, want);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < seen; i++) puts(events[i]);
    printf("events: %d\n", seen);
    seen = 0;
    pthread_mutex_unlock(&lock);
    fflush(stdout);
}

static zhandle_t *connect_to(const char *address) {
    int want = connections + 1;
    zhandle_t *zh = zookeeper_init(address, session, 20000, NULL, NULL, 0);
    if (!zh) exit(1);
    await(&connections, want);
    return zh;
}

static int64_t mine; /* the first client's session */

static void print_stat(const struct Stat *s) {
    printf("  stat version=%d cversion=%d aversion=%d data=%d children=%d owner=%s %s\n", s->version, s->cversion, s->aversion,
           s->dataLength, s->numChildren, s->ephemeralOwner == 0 ? "none" : s->ephemeralOwner == mine ? "me" : "other",
           s->czxid == s->mzxid ? "" : "modified");
}

static void print_rc(const char *what, const char *path, int rc) {
    printf("%s %s: %d %s\n", what, path, rc, zerror(rc));
}

static void create(zhandle_t *zh, const char *path, const char *data, const struct ACL_vector *acl, int mode, int64_t ttl) {
    char made[200] = "";
    struct Stat s;
    int rc = zoo_create2_ttl(zh, path, data, data ? (int)strlen(data) : -1, acl, mode, ttl, made, sizeof made, &s);
    print_rc("create", path, rc);
    if (rc == ZOK) {
        printf("  made %s\n", made);
        if (mode != ZOO_CONTAINER && ttl < 0) print_stat(&s);
    }
}

static void get(zhandle_t *zh, const char *path, const char *watcher) {
    char data[200];
    int len = sizeof data;
    struct Stat s;
    int rc = zoo_wget(zh, path, watcher ? watch : NULL, (void *)watcher, data, &len, &s);
    print_rc("get", path, rc);
    if (rc == ZOK) {
        printf("  %d bytes '%.*s'\n", len, len < 0 ? 0 : len, data);
        print_stat(&s);
    }
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void children(zhandle_t *zh, const char *path, const char *watcher) {
    struct String_vector v;
    struct Stat s;
    int rc = zoo_wget_children2(zh, path, watcher ? watch : NULL, (void *)watcher, &v, &s);
    print_rc("children", path, rc);
    if (rc != ZOK) return;
    qsort(v.data, v.count, sizeof *v.data, by_name);
    for (int i = 0; i < v.count; i++) printf("  %s\n", v.data[i]);
    print_stat(&s);
    deallocate_String_vector(&v);
}

static void exists(zhandle_t *zh, const char *path, const char *watcher) {
    struct Stat s;
    int rc = zoo_wexists(zh, path, watcher ? watch : NULL, (void *)watcher, &s);
    print_rc("exists", path, rc);
    if (rc == ZOK) print_stat(&s);
}

static void set(zhandle_t *zh, const char *path, const char *data, int version) {
    struct Stat s;
    int rc = zoo_set2(zh, path, data, (int)strlen(data), version, &s);
    print_rc("set", path, rc);
    if (rc == ZOK) print_stat(&s);
}

static void acl(zhandle_t *zh, const char *path) {
    struct ACL_vector v;
    struct Stat s;
    int rc = zoo_get_acl(zh, path, &v, &s);
    print_rc("acl", path, rc);
    if (rc != ZOK) return;
    for (int i = 0; i < v.count; i++) printf("  %s:%s:%d\n", v.data[i].id.scheme, v.data[i].id.id, v.data[i].perms);
    deallocate_ACL_vector(&v);
}

static void delete(zhandle_t *zh, const char *path, int version) { print_rc("delete", path, zoo_delete(zh, path, version)); }

static void znodes(zhandle_t *zh) {
    const struct ACL_vector *open = &ZOO_OPEN_ACL_UNSAFE;
    create(zh, "/c", "one", open, ZOO_PERSISTENT, -1);
    create(zh, "/c", "two", open, ZOO_PERSISTENT, -1);
    create(zh, "/none/c", "x", open, ZOO_PERSISTENT, -1);
    create(zh, "/c/null", NULL, open, ZOO_PERSISTENT, -1);
    create(zh, "/c/s-", "s", open, ZOO_PERSISTENT_SEQUENTIAL, -1);
    create(zh, "/c/e", "e", open, ZOO_EPHEMERAL, -1);
    create(zh, "/c/es-", "e", open, ZOO_EPHEMERAL_SEQUENTIAL, -1);
    create(zh, "/c/e/child", "e", open, ZOO_PERSISTENT, -1);
    create(zh, "/container", "k", open, ZOO_CONTAINER, -1);
    create(zh, "/ttl", "t", open, ZOO_PERSISTENT_WITH_TTL, 3600000);
    create(zh, "/ttl-", "t", open, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 3600000);
    create(zh, "relative", "x", open, ZOO_PERSISTENT, -1);
    get(zh, "/c", NULL);
    get(zh, "/c/null", NULL);
    get(zh, "/c/e", NULL);
    get(zh, "/none", NULL);
    exists(zh, "/none", NULL);
    set(zh, "/c", "three", 0);
    set(zh, "/c", "four", 0);
    children(zh, "/c", NULL);
    children(zh, "/none", NULL);
    delete(zh, "/c", -1);
    delete(zh, "/c/null", 4);
    delete(zh, "/c/null", 0);
    get(zh, ZOO_CONFIG_NODE, NULL);
    set(zh, ZOO_CONFIG_NODE, "", -1);
    children(zh, "/", NULL);
}

static void on_auth(int rc, const void *data) { on_sync(rc, NULL, NULL); }

static void acls(zhandle_t *zh, zhandle_t *other) {
    struct ACL here[] = {{ZOO_PERM_READ, {"ip", "127.0.0.1"}}}, there[] = {{ZOO_PERM_ALL, {"ip", "10.0.0.0/8"}}}, bad[] = {{ZOO_PERM_ALL, {"ip", "x"}}};
    struct ACL_vector vhere = {1, here}, vthere = {1, there}, vbad = {1, bad};
    create(zh, "/nobody", "n", &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT, -1);
    int want = synced + 1;
    if (zoo_add_auth(zh, "digest", "ann:secret", 10, on_auth, NULL) != ZOK) exit(1);
    await(&synced, want);
    create(zh, "/creator", "n", &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT, -1);
    acl(zh, "/creator");
    acl(other, "/creator");
    get(other, "/creator", NULL);
    create(zh, "/here", "h", &vhere, ZOO_PERSISTENT, -1);
    get(other, "/here", NULL);
    set(other, "/here", "i", -1);
    create(zh, "/there", "t", &vthere, ZOO_PERSISTENT, -1);
    get(other, "/there", NULL);
    create(zh, "/bad", "b", &vbad, ZOO_PERSISTENT, -1);
    print_rc("set acl", "/creator", zoo_set_acl(zh, "/creator", 0, &ZOO_READ_ACL_UNSAFE));
    print_rc("set acl", "/creator", zoo_set_acl(zh, "/creator", 1, &ZOO_OPEN_ACL_UNSAFE));
    get(other, "/creator", NULL);
}

static void multi(zhandle_t *zh) {
    zoo_op_t ops[5];
    zoo_op_result_t results[5];
    struct Stat s;
    char made[2][200] = {"", ""};
    zoo_create_op_init(&ops[0], "/m", "0", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made[0], sizeof made[0]);
    zoo_create_op_init(&ops[1], "/m/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, made[1], sizeof made[1]);
    zoo_check_op_init(&ops[2], "/m", 0);
    zoo_set_op_init(&ops[3], "/m", "12", 2, 0, &s);
    zoo_delete_op_init(&ops[4], "/ttl", -1);
    print_rc("multi", "good", zoo_multi(zh, 5, ops, results));
    for (int i = 0; i < 5; i++) printf("  %d\n", results[i].err);
    printf("  made %s %s\n", made[0], made[1]);
    print_stat(&s);
    zoo_set_op_init(&ops[0], "/m", "3", 1, -1, &s);
    zoo_check_op_init(&ops[1], "/m", 9);
    zoo_delete_op_init(&ops[2], "/none", -1);
    print_rc("multi", "bad", zoo_multi(zh, 3, ops, results));
    for (int i = 0; i < 3; i++) printf("  %d\n", results[i].err);
    get(zh, "/m", NULL);
    children(zh, "/m", NULL);
}

static void watches(zhandle_t *zh, zhandle_t *other) {
    const struct ACL_vector *open = &ZOO_OPEN_ACL_UNSAFE;
    exists(zh, "/w", "exists");
    create(other, "/w", "w", open, 0, -1);
    print_events(zh);
    get(zh, "/w", "data");
    children(zh, "/w", "children");
    set(other, "/w", "1", -1);
    set(other, "/w", "2", -1);
    create(other, "/w/c", "c", open, 0, -1);
    print_events(zh);
    get(zh, "/w/c", "data");
    children(zh, "/w/c", "children");
    delete(other, "/w/c", -1);
    print_events(zh);
    get(zh, "/w", "data");
    children(zh, "/w", "children");
    print_rc("remove data", "/w", zoo_remove_watches(zh, "/w", ZWATCHTYPE_DATA, watch, "data", 0));
    print_rc("remove any", "/none", zoo_remove_all_watches(zh, "/none", ZWATCHTYPE_ANY, 0));
    print_rc("remove children", "/w", zoo_remove_all_watches(zh, "/w", ZWATCHTYPE_CHILD, 0));
    set(other, "/w", "3", -1);
    create(other, "/w/d", "d", open, 0, -1);
    print_events(zh);
}

static void ask(const char *request) {
    puts(request);
    fflush(stdout);
    if (getchar() == EOF) exit(1);
}

static void missed(zhandle_t *other, int round) {
    const struct ACL_vector *open = &ZOO_OPEN_ACL_UNSAFE;
    struct ACL elsewhere[] = {{ZOO_PERM_ALL, {"ip", "10.0.0.1"}}};
    struct ACL_vector shut = {1, elsewhere};
    set(other, "/away/set", "1", -1);
    set(other, "/away/set", "2", -1);
    create(other, round == 1 ? "/away/kids/1" : round == 2 ? "/away/kids/2" : "/away/kids/3", "k", open, 0, -1);
    delete(other, "/away/again", -1);
    create(other, "/away/again", "a", open, 0, -1);
    create(other, "/away/brief", "b", open, 0, -1);
    delete(other, "/away/brief", -1);
    if (round != 1) return;
    delete(other, "/away/gone", -1);
    create(other, "/away/new", "n", open, 0, -1);
    print_rc("set acl", "/away/shut", zoo_set_acl(other, "/away/shut", -1, &shut));
    set(other, "/away/secret", "1", -1);
    print_rc("set acl", "/away/secret", zoo_set_acl(other, "/away/secret", -1, &shut));
}

/* A client that was away hears once of what it has missed, and goes on to hear of the rest. */
static void away(zhandle_t *zh, zhandle_t *other) {
    static const char *all[] = {"/away", "/away/set", "/away/kids", "/away/gone", "/away/again", "/away/still", "/away/secret", "/away/shut"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        create(other, all[i], "0", &ZOO_OPEN_ACL_UNSAFE, 0, -1);
        get(zh, all[i], "data");
        children(zh, all[i], "children");
    }
    exists(zh, "/away/new", "absent");
    exists(zh, "/away/brief", "absent");
    exists(zh, "/away/never", "absent");
    print_events(zh);
    for (int round = 1; round <= 2; round++) {
        int want = connections + 1;
        ask("@cut");
        missed(other, round);
        ask("@mend");
        await(&connections, want);
        print_events(zh);
    }
    missed(other, 3);
    create(other, "/away/never", "n", &ZOO_OPEN_ACL_UNSAFE, 0, -1);
    set(other, "/away/still", "1", -1);
    create(other, "/away/still/c", "c", &ZOO_OPEN_ACL_UNSAFE, 0, -1);
    print_events(zh);
}

/* The session outlives a restart of the server, with its ephemerals and watches. */
static void restart(zhandle_t *zh, zhandle_t *other) {
    get(zh, "/c", "data");
    children(zh, "/c", "children");
    exists(zh, "/c/new", "exists");
    int want = connections + 2;
    ask("@restart");
    await(&connections, want);
    printf("same session %d\n", zoo_client_id(zh)->client_id == mine);
    get(zh, "/c/e", NULL);
    get(other, "/c/e", NULL);
    acl(zh, "/creator");
    create(other, "/c/new", "n", &ZOO_OPEN_ACL_UNSAFE, 0, -1);
    set(other, "/c", "5", -1);
    print_events(zh);
    create(zh, "/c/s-", "s", &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, -1);
}

int main(int argc, char **argv) {
    zoo_set_debug_level(0);
    zhandle_t *zh = connect_to(argv[2]), *other = connect_to(argv[1]); /* the first by the proxy */
    mine = zoo_client_id(zh)->client_id;
    znodes(zh);
    acls(zh, other);
    multi(zh);
    watches(zh, other);
    away(zh, other);
    restart(zh, other);
    exists(other, "/c/e", "exists");
    print_rc("close", "", zookeeper_close(zh));
    print_events(other);
    children(other, "/c", NULL);
    print_rc("close", "", zookeeper_close(other));
    puts("end");
    return 0;
}
