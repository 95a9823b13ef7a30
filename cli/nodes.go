package cli

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

func nodeCommands() []*command {
	return []*command{
		{
			name: "create", usage: "[-s] [-e] [-c] [-t ttl] path [data] [acl]", least: 1, run: create,
			options: options(flags("e", "ephemeral", "s", "sequential", "c", "container"), valued("t", "ttl")),
		},
		{
			name: "delete", usage: "[-v version] path", least: 1, run: deleteOne,
			options: options(valued("v", "version")),
		},
		{
			name: "deleteall", usage: "path [-b batch size]", least: 1, run: deleteAll,
			options: options(valued("b", "batch size")),
		},
		{
			name: "set", usage: "path data [-s] [-v version] [-b]", least: 2, describe: true, run: setData,
			options: options(flags("s", "Print znode stats additionally"), valued("v", "Set with an expected version"),
				flags("b", "Supply data in base64 format")),
		},
	}
}

// createFlags turns the options of create into those of the request.
func createFlags(p parsed) (kind int32, ttlMs int64, err error) {
	e, s, c, t := p.has("e"), p.has("s"), p.has("c"), p.has("t")
	if c && (e || s) {
		return 0, 0, failure("-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.")
	}
	if t {
		if ttlMs, err = strconv.ParseInt(p.values["t"], 10, 64); err != nil {
			return 0, 0, failure("-t argument must be a long value")
		}
	}
	const maxTTLMs = 1<<40 - 1
	switch {
	case t && e:
		return 0, 0, failure("TTLs cannot be used with Ephemeral znodes")
	case t && c:
		return 0, 0, failure("TTLs cannot be used with Container znodes")
	case t && (ttlMs <= 0 || ttlMs > maxTTLMs):
		return 0, 0, failure("ttl must be positive and cannot be larger than: %d", int64(maxTTLMs))
	case c:
		return proto.FlagContainer, 0, nil
	case t && s:
		return proto.FlagPersistentSequentialTTL, ttlMs, nil
	case t:
		return proto.FlagPersistentTTL, ttlMs, nil
	case e && s:
		return proto.FlagEphemeralSequential, 0, nil
	case e:
		return proto.FlagEphemeral, 0, nil
	case s:
		return proto.FlagPersistentSequential, 0, nil
	}
	return proto.FlagPersistent, 0, nil
}

func create(ctx context.Context, s *Shell, p parsed) error {
	kind, ttlMs, err := createFlags(p)
	if err != nil {
		return err
	}
	var data []byte
	if len(p.args) > 2 {
		data = []byte(p.args[2])
	}
	acl := proto.OpenACL
	if len(p.args) > 3 {
		acl = parseACL(p.args[3], s.p.complain)
	}
	path, err := s.zk.Create(ctx, p.args[1], data, acl, kind, ttlMs)
	switch {
	case errors.Is(err, proto.ErrEphemeralOnLocal):
		s.p.complain("Unable to create ephemeral node on a local session")
	case errors.Is(err, proto.ErrInvalidACL):
		s.p.complain(err.Error())
	case err == nil:
		s.answer(map[string]string{"created": path}, func() { s.p.complain("Created " + path) })
	}
	return err
}

// versionOption is the argument of -v; without it any version will do.
func versionOption(p parsed) (int32, error) {
	if !p.has("v") {
		return -1, nil
	}
	v, err := strconv.ParseInt(p.values["v"], 10, 32)
	if err != nil {
		return 0, failure("For input string: %q", p.values["v"])
	}
	return int32(v), nil
}

func deleteOne(ctx context.Context, s *Shell, p parsed) error {
	if len(p.args) > 2 {
		s.p.complain("'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead.")
	}
	version, err := versionOption(p)
	if err != nil {
		return err
	}
	return s.zk.Delete(ctx, p.args[1], version)
}

// deleteBatch is how many znodes deleteall deletes in one transaction.
const deleteBatch = 1000

func deleteAll(ctx context.Context, s *Shell, p parsed) error {
	batch := deleteBatch
	if p.has("b") {
		v, err := strconv.ParseInt(p.values["b"], 10, 32)
		if err != nil {
			return failure("-b argument must be an int value")
		}
		batch = int(v)
	}
	if err := client.ValidatePath(p.args[1], false); err != nil {
		return err
	}
	var all []string
	if err := breadthFirst(ctx, s.zk, p.args[1], func(path string) { all = append(all, path) }); err != nil {
		return err
	}
	err := deletePaths(ctx, s.zk, all, batch)
	var refused *client.Error
	if batch > 0 && errors.As(err, &refused) {
		s.p.complain("Failed to delete some node(s) in the subtree!")
		return nil // as in Apache's shell
	}
	return err
}

// deletePaths deletes from the last path to the first: one by one, or so many
// in each transaction.
func deletePaths(ctx context.Context, zk *client.Client, all []string, batch int) error {
	if batch <= 0 {
		for i := len(all) - 1; i >= 0; i-- {
			if err := zk.Delete(ctx, all[i], -1); err != nil {
				return err
			}
		}
		return nil
	}
	for end := len(all); end > 0; {
		var ops []client.Op
		for ; end > 0 && len(ops) < batch; end-- {
			ops = append(ops, zk.DeleteOp(all[end-1], -1))
		}
		if err := zk.Multi(ctx, ops); err != nil {
			return err
		}
	}
	return nil
}

func setData(ctx context.Context, s *Shell, p parsed) error {
	data := []byte(p.args[2])
	if p.has("b") {
		var err error
		if data, err = base64.StdEncoding.DecodeString(p.args[2]); err != nil {
			if data, err = base64.RawStdEncoding.DecodeString(p.args[2]); err != nil {
				return failure("the data is not in base64: %v", err)
			}
		}
	}
	version, err := versionOption(p)
	if err != nil {
		return err
	}
	st, err := s.zk.SetData(ctx, p.args[1], data, version)
	if err != nil {
		return err
	}
	s.answer(map[string]any{"path": p.args[1], "stat": newJSONStat(st)}, func() {
		if p.has("s") {
			s.p.printf("%s", statLines(st))
		}
	})
	return nil
}
