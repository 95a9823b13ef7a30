// Command record makes the files beside it that tests of package persistence
// read: it starts a real Apache ZooKeeper, sends it every kind of write, and
// keeps the logs and snapshots it leaves.
//
//	go run ./persistence/testdata/record -version 3.9.5 -classpath "$(cat cp.txt)"
//
// The classpath has the server's jar and all it needs, metrics-core and
// snappy-java included. Java must be on the PATH.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

const address = "127.0.0.1:21911"

func main() {
	version := flag.String("version", "", "version of the server, also the name of the folder")
	classpath := flag.String("classpath", "", "the server and what it needs")
	out := flag.String("out", "persistence/testdata", "where the folder goes")
	flag.Parse()
	if err := record(*version, *classpath, *out); err != nil {
		log.Fatal(err)
	}
}

func record(version, classpath, out string) error {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg := filepath.Join(dir, "zoo.cfg")
	text := fmt.Sprintf("dataDir=%s\nclientPort=21911\nclientPortAddress=127.0.0.1\ntickTime=2000\nadmin.enableServer=false\n", dir)
	if err := os.WriteFile(cfg, []byte(text), 0o644); err != nil {
		return err
	}
	// Each run begins by writing a snapshot of what the one before left.
	for _, run := range []struct {
		compression string
		drive       func(*zk.Conn) error
	}{{"", everyKind}, {"", aFewMore}, {"gz", nil}, {"snappy", nil}} {
		if err := serve(classpath, cfg, run.compression, run.drive); err != nil {
			return err
		}
	}
	return keep(filepath.Join(dir, "version-2"), filepath.Join(out, version))
}

// serve runs a server, drives it over a session that is never closed, and
// kills it.
func serve(classpath, cfg, compression string, drive func(*zk.Conn) error) error {
	cmd := exec.Command("java", "-cp", classpath, "-Dzookeeper.preAllocSize=16", "-Dzookeeper.extendedTypesEnabled=true",
		"-Dzookeeper.admin.enableServer=false", "-Dzookeeper.snapshot.compression.method="+compression,
		"org.apache.zookeeper.server.ZooKeeperServerMain", cfg)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	conn, events, err := zk.Connect([]string{address}, 40*time.Second)
	if err == nil {
		err = connected(events)
	}
	if err == nil && drive != nil {
		err = drive(conn)
	}
	err = errors.Join(err, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	conn.Close()
	return err
}

func connected(events <-chan zk.Event) error {
	deadline := time.After(30 * time.Second)
	for {
		select {
		case e := <-events:
			if e.State == zk.StateHasSession {
				return nil
			}
		case <-deadline:
			return errors.New("the server does not answer")
		}
	}
}

var (
	open   = zk.WorldACL(zk.PermAll)
	digest = zk.DigestACL(zk.PermAll, "user", "secret")
	mixed  = []zk.ACL{{Perms: zk.PermRead, Scheme: "world", ID: "anyone"}, {Perms: zk.PermAll, Scheme: "ip", ID: "127.0.0.1"}}
)

// everyKind sends writes that succeed and writes that fail.
func everyKind(c *zk.Conn) error {
	var errs []error
	do := func(err error) { errs = append(errs, err) }
	made := func(_ string, err error) { do(err) }
	fails := func(err error) {
		if err == nil {
			errs = append(errs, errors.New("a write that should fail did not"))
		}
	}
	made(c.Create("/plain", []byte("data"), 0, open))
	made(c.Create("/empty", []byte{}, 0, open))
	made(c.Create("/null", nil, 0, open))
	made(c.Create("/plain/ünïcödé-日本", []byte("non-ASCII"), 0, open))
	made(c.Create("/plain/seq-", []byte("s"), zk.FlagSequence, open))
	made(c.Create("/plain/seq-", []byte("s"), zk.FlagSequence, open))
	made(c.Create("/ephemeral", []byte("e"), zk.FlagEphemeral, open))
	made(c.Create("/plain/eseq-", nil, zk.FlagEphemeral|zk.FlagSequence, open))
	made(c.CreateContainer("/container", []byte("c"), zk.FlagContainer, open))
	made(c.Create("/container/child", nil, 0, open))
	made(c.CreateTTL("/ttl", []byte("t"), zk.FlagTTL, open, time.Hour))
	made(c.CreateTTL("/ttlseq-", nil, zk.FlagPersistentSequentialWithTTL, open, time.Hour))
	do(c.AddAuth("digest", []byte("user:secret")))
	made(c.Create("/acl", []byte("a"), 0, digest))
	made(c.Create("/acl/auth", []byte("a"), 0, zk.AuthACL(zk.PermAll)))
	made(c.Create("/mixed", []byte("a"), 0, mixed))
	set := func(_ *zk.Stat, err error) { do(err) }
	set(c.SetACL("/plain/seq-0000000001", mixed, 0))
	set(c.Set("/plain", []byte("data two"), -1))
	set(c.Set("/plain", []byte("data three"), 1))
	made(c.Create("/big", bytes.Repeat([]byte("0123456789abcdef"), 256), 0, open))
	made(c.Create("/gone", nil, 0, open))
	do(c.Delete("/gone", 0))
	fails(c.Delete("/plain", -1))
	fails(c.Delete("/absent", -1))
	_, err := c.Create("/plain", nil, 0, open)
	fails(err)
	_, err = c.Set("/plain", nil, 77)
	fails(err)
	_, err = c.Multi(
		&zk.CreateRequest{Path: "/multi", Data: []byte("m"), Acl: open},
		&zk.CheckVersionRequest{Path: "/plain", Version: 2},
		&zk.SetDataRequest{Path: "/plain", Data: []byte("in multi"), Version: 2},
		&zk.CreateRequest{Path: "/multi/child", Data: nil, Acl: digest},
		&zk.DeleteRequest{Path: "/plain/seq-0000000002", Version: -1},
	)
	do(err)
	_, err = c.Multi(
		&zk.CreateRequest{Path: "/multi/never", Data: []byte("m"), Acl: open},
		&zk.CheckVersionRequest{Path: "/plain", Version: 99},
		&zk.DeleteRequest{Path: "/plain", Version: -1},
	)
	fails(err)
	made(c.Create("/zookeeper/quota/plain", nil, 0, open))
	made(c.Create("/zookeeper/quota/plain/zookeeper_limits", []byte("count=100,bytes=100000"), 0, open))
	made(c.Create("/zookeeper/quota/plain/zookeeper_stats", []byte("count=0,bytes=0"), 0, open))
	made(c.Create("/plain/counted", []byte("quota"), 0, open))
	// A session that comes and goes, with an ephemeral.
	guest, _, err := zk.Connect([]string{address}, 10*time.Second)
	if err != nil {
		return err
	}
	made(guest.Create("/guest", nil, zk.FlagEphemeral, open))
	guest.Close()
	return errors.Join(errs...)
}

func aFewMore(c *zk.Conn) error {
	_, err := c.Create("/later", []byte("in a second log"), 0, open)
	_, setErr := c.Set("/plain", []byte("last"), -1)
	return errors.Join(err, setErr)
}

// keep copies the files, logs without all but a few of their padding zeros.
func keep(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(from, entry.Name()))
		if err != nil {
			return err
		}
		if strings.HasPrefix(entry.Name(), "log.") {
			data = append(bytes.TrimRight(data, "\x00"), make([]byte, 64)...)
		}
		if err := os.WriteFile(filepath.Join(to, entry.Name()), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
