package cli

import (
	"context"

	"github.com/meerkat-zk/meerkat/client"
)

func aclCommands() []*command {
	return []*command{
		{name: "getAcl", usage: "[-s] path", least: 1, run: getACL, options: options(flags("s", "stats"))},
		{
			name: "setAcl", usage: "[-s] [-v version] [-R] path acl", least: 2, run: setACL,
			options: options(flags("s", "stats"), valued("v", "version"), flags("R", "recursive")),
		},
	}
}

func getACL(ctx context.Context, s *Shell, p parsed) error {
	acl, st, err := s.zk.ACL(ctx, p.args[1])
	if err != nil {
		return err
	}
	s.answer(map[string]any{"path": p.args[1], "acl": newJSONACL(acl), "stat": newJSONStat(st)}, func() {
		s.p.printf("%s", aclLines(acl))
		if p.has("s") {
			s.p.printf("%s", statLines(st))
		}
	})
	return nil
}

func setACL(ctx context.Context, s *Shell, p parsed) error {
	path, acl := p.args[1], parseACL(p.args[2], s.p.complain)
	version, err := versionOption(p)
	if err != nil {
		return err
	}
	if p.has("R") {
		if err := client.ValidatePath(path, false); err != nil {
			return err
		}
		return depthFirst(ctx, s.zk, path, false, func(path string) {
			if _, err := s.zk.SetACL(ctx, path, acl, version); err != nil {
				s.p.printf("%s", err.Error())
			}
		})
	}
	st, err := s.zk.SetACL(ctx, path, acl, version)
	if err != nil {
		return err
	}
	s.answer(map[string]any{"path": path, "stat": newJSONStat(st)}, func() {
		if p.has("s") {
			s.p.printf("%s", statLines(st))
		}
	})
	return nil
}
