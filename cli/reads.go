package cli

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func readCommands() []*command {
	statFlag, watchFlag := flags("s", "stat"), flags("w", "watch")
	return []*command{
		{
			name: "get", usage: "[-s] [-w] [-b] [-x] path", least: 1, describe: true, run: getData,
			deprecated: "'get path [watch]' has been deprecated. Please use 'get [-s] [-w] path' instead.",
			options: options(flags("s", "Print znode stats additionally", "w", "Watch for changes on the znode",
				"b", "Output data in base64 format", "x", "Output data in hexdump format")),
		},
		{
			name: "stat", usage: "[-w] path", least: 1, run: stat, options: options(watchFlag),
			deprecated: "'stat path [watch]' has been deprecated. Please use 'stat [-w] path' instead.",
		},
		{
			name: "ls", usage: "[-s] [-w] [-R] path", run: ls,
			deprecated: "'ls path [watch]' has been deprecated. Please use 'ls [-w] path' instead.",
			options:    options(flags("?", "help"), statFlag, watchFlag, flags("R", "recurse")),
		},
		{name: "getAllChildrenNumber", usage: "path", least: 1, run: descendants},
		{name: "getEphemerals", usage: "path", run: ephemerals},
		{name: "sync", usage: "path", least: 1, run: syncPath},
	}
}

// jsonNode is a znode's data in JSON: as text if it is text, else in base64.
type jsonNode struct {
	Path   string    `json:"path"`
	Data   *string   `json:"data,omitempty"`
	Base64 *string   `json:"data_base64,omitempty"`
	Stat   *jsonStat `json:"stat,omitempty"`
}

func newJSONNode(path string, data []byte) jsonNode {
	n := jsonNode{Path: path}
	switch text := string(data); {
	case data == nil: // null
	case utf8.ValidString(text):
		n.Data = &text
	default:
		text = base64.StdEncoding.EncodeToString(data)
		n.Base64 = &text
	}
	return n
}

func getData(ctx context.Context, s *Shell, p parsed) error {
	data, st, err := s.zk.Get(ctx, p.args[1], p.has("w"))
	if err != nil {
		return err
	}
	if s.cfg.JSON {
		n := newJSONNode(p.args[1], data)
		n.Stat = newJSONStat(st)
		s.p.json(n)
		return nil
	}
	if data == nil {
		data = []byte("null")
	}
	switch {
	case p.has("x"):
		s.p.println(hexDump(data))
	case p.has("b"):
		s.p.println(base64.StdEncoding.EncodeToString(data))
	default:
		s.p.println(plainText(data))
	}
	if p.has("s") {
		s.p.printf("%s", statLines(st))
	}
	return nil
}

func stat(ctx context.Context, s *Shell, p parsed) error {
	st, err := s.zk.Exists(ctx, p.args[1], p.has("w"))
	if err != nil {
		return err
	}
	s.answer(jsonNode{Path: p.args[1], Stat: newJSONStat(st)}, func() { s.p.printf("%s", statLines(st)) })
	return nil
}

func ls(ctx context.Context, s *Shell, p parsed) error {
	if p.has("?") {
		s.p.printf("usage: ls [options] path\n%s", s.find("ls").options.describe())
	}
	if len(p.args) < 2 {
		return failure("ls [-s] [-w] [-R] path")
	}
	path := p.args[1]
	if p.has("R") {
		return depthFirst(ctx, s.zk, path, p.has("w"), func(path string) {
			s.answer(map[string]string{"path": path}, func() { s.p.println(path) })
		})
	}
	names, st, err := s.zk.Children(ctx, path, p.has("w"))
	if err != nil {
		return err
	}
	sortJava(names)
	s.answer(map[string]any{"path": path, "children": names, "stat": newJSONStat(st)}, func() {
		s.p.println("[" + strings.Join(names, ", ") + "]")
		if p.has("s") {
			s.p.printf("%s", statLines(st))
		}
	})
	return nil
}

// sortJava sorts as Java sorts strings. For all that a path may hold that is
// the order of the bytes.
func sortJava(names []string) { slices.Sort(names) }

func descendants(ctx context.Context, s *Shell, p parsed) error {
	n, err := s.zk.Descendants(ctx, p.args[1])
	if err != nil {
		return err
	}
	s.answer(map[string]any{"path": p.args[1], "descendants": n}, func() { s.p.printf("%d\n", n) })
	return nil
}

func ephemerals(ctx context.Context, s *Shell, p parsed) error {
	prefix := "/"
	if len(p.args) > 1 {
		prefix = p.args[1]
	}
	paths, err := s.zk.Ephemerals(ctx, prefix)
	if err != nil {
		return err
	}
	s.answer(map[string]any{"ephemerals": paths}, func() { s.p.println("[" + strings.Join(paths, ", ") + "]") })
	return nil
}

func syncPath(ctx context.Context, s *Shell, p parsed) error {
	err := s.zk.Sync(ctx, p.args[1])
	var code proto.ErrCode
	if asCode(err, &code) {
		s.p.printf("Sync has failed. rc=%d\n", int32(code))
		return nil
	}
	if err != nil {
		return err
	}
	s.answer(map[string]any{"path": p.args[1], "synced": true}, func() { s.p.println("Sync is OK") })
	return nil
}
