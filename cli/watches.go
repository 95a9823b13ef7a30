package cli

import (
	"context"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func watchCommands() []*command {
	return []*command{
		{
			name:  "addWatch",
			usage: "[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE",
			least: 1, run: addWatch, options: options(valued("m", "")),
		},
		{
			name: "removewatches", usage: "path [-c|-d|-a] [-l]", least: 1, run: removeWatches,
			options: options(flags("c", "child watcher type", "d", "data watcher type", "p", "persistent watcher type",
				"r", "persistent recursive watcher type", "a", "any watcher type",
				"l", "remove locally when there is no server connection")),
		},
	}
}

func addWatch(ctx context.Context, s *Shell, p parsed) error {
	mode := proto.WatchPersistentRecursive
	if p.has("m") {
		switch strings.ToUpper(p.values["m"]) {
		case "PERSISTENT":
			mode = proto.WatchPersistent
		case "PERSISTENT_RECURSIVE":
		default:
			return failure("%s", s.find("addWatch").usageText())
		}
	}
	if len(p.args) != 2 {
		return failure("%s", s.find("addWatch").usageText())
	}
	return s.zk.AddWatch(ctx, p.args[1], mode)
}

func removeWatches(ctx context.Context, s *Shell, p parsed) error {
	kind := proto.WatcherAny
	for _, choice := range []struct {
		option string
		kind   int32
	}{
		{"c", proto.WatcherChildren}, {"d", proto.WatcherData}, {"p", proto.WatcherPersistent}, {"r", proto.WatcherPersistentRecursive},
	} {
		if p.has(choice.option) {
			kind = choice.kind
			break
		}
	}
	return s.zk.RemoveWatches(ctx, p.args[1], kind, p.has("l"))
}
