package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The znodes of quotas (Quotas).
const (
	quotaRoot  = "/zookeeper/quota"
	limitsName = "zookeeper_limits"
	statsName  = "zookeeper_stats"
)

func limitsPath(path string) string { return quotaRoot + path + "/" + limitsName }
func statsPath(path string) string  { return quotaRoot + path + "/" + statsName }

// quotaOptions are the four limits: their option and their name in a track.
var quotaOptions = []struct{ option, name, text string }{
	{"n", trackCount, "num soft quota"}, {"b", trackBytes, "bytes soft quota"},
	{"N", trackCountHard, "num hard quota"}, {"B", trackBytesHard, "bytes hard quota"},
}

func quotaCommands() []*command {
	var names []string
	for _, q := range quotaOptions {
		names = append(names, q.option, q.text)
	}
	return []*command{
		{
			name: "setquota", usage: "-n|-b|-N|-B val path", least: 1, run: setQuota,
			options: optionSet{list: valued(names...), choice: true, required: true},
		},
		{name: "listquota", usage: "path", least: 1, run: listQuota},
		{
			name: "delquota", usage: "[-n|-b|-N|-B] path", least: 1, run: delQuota,
			options: optionSet{list: flags(names...), choice: true},
		},
	}
}

// readTrack reads a znode of a quota.
func readTrack(ctx context.Context, zk *client.Client, path string) (track, error) {
	data, _, err := zk.Get(ctx, path, false)
	if err != nil {
		return nil, err
	}
	return parseTrack(string(data))
}

// askedLimits reads the value of the option that is given.
func askedLimits(p parsed) (track, error) {
	asked := track{trackCount: -1, trackBytes: -1, trackCountHard: -1, trackBytesHard: -1}
	for _, q := range quotaOptions {
		if !p.has(q.option) {
			continue
		}
		isCount, bits := strings.EqualFold(q.option, "n"), 64
		if isCount {
			bits = 32
		}
		n, err := strconv.ParseInt(p.values[q.option], 10, bits)
		switch {
		case err != nil:
			return nil, errors.New("NumberFormatException happens when parsing the option value")
		case isCount && n <= 0:
			return nil, errors.New("the num quota must be greater than zero")
		case n < 0:
			return nil, errors.New("the bytes quota must be greater than or equal to zero")
		}
		asked[q.name] = n
	}
	return asked, nil
}

func setQuota(ctx context.Context, s *Shell, p parsed) error {
	path := p.args[1]
	if strings.HasPrefix(path, quotaRoot) {
		s.p.complain("cannot set a quota under the path: " + quotaRoot)
		return nil // no failure for Apache's shell
	}
	asked, err := askedLimits(p)
	if err != nil {
		s.p.complain(err.Error())
		return nil
	}
	if _, err := s.zk.Exists(ctx, path, false); errors.Is(err, proto.ErrNoNode) {
		return failure("%s does not exist.", path)
	} else if err != nil {
		return err
	}
	if err := s.childQuota(ctx, path); err != nil {
		return err
	}
	if err := s.parentQuota(ctx, path); err != nil {
		return err
	}
	return s.storeQuota(ctx, path, asked)
}

// childQuota refuses a quota above another.
func (s *Shell) childQuota(ctx context.Context, path string) error {
	var found error
	err := depthFirst(ctx, s.zk, quotaRoot+path, false, func(quota string) {
		below, isLimit := strings.CutSuffix(quota, "/"+limitsName)
		if isLimit && below != quotaRoot+path && found == nil {
			found = failure("%s has a child %s which has a quota", path, below[len(quotaRoot):])
		}
	})
	if errors.Is(err, proto.ErrNoNode) {
		err = nil
	}
	return errors.Join(err, found)
}

// parentQuota refuses a quota below another.
func (s *Shell) parentQuota(ctx context.Context, path string) error {
	quota := quotaRoot
	parts := strings.Split(path, "/")
	for _, part := range parts[1 : len(parts)-1] {
		quota += "/" + part
		names, _, err := s.zk.Children(ctx, quota, false)
		if errors.Is(err, proto.ErrNoNode) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if name == limitsName {
				return failure("%s has a parent %s which has a quota", path, quota[len(quotaRoot):])
			}
		}
	}
	return nil
}

// storeQuota makes the znodes of a quota, or changes its limits.
func (s *Shell) storeQuota(ctx context.Context, path string, asked track) error {
	parent := quotaRoot
	for _, part := range strings.Split(path, "/")[1:] {
		parent += "/" + part
		if err := s.ensure(ctx, parent, nil); err != nil {
			return err
		}
	}
	limits, err := readTrack(ctx, s.zk, limitsPath(path))
	if errors.Is(err, proto.ErrNoNode) {
		if err := s.ensure(ctx, limitsPath(path), []byte(asked.String())); err != nil {
			return err
		}
		if err := s.ensure(ctx, statsPath(path), []byte(track{trackCount: 0, trackBytes: 0}.String())); err != nil {
			return err
		}
		if limits, err = readTrack(ctx, s.zk, limitsPath(path)); err != nil {
			return err
		}
		return s.warnOfUse(ctx, path, limits)
	}
	if err != nil {
		return err
	}
	for name, value := range asked {
		if value > -1 {
			limits[name] = value
		}
	}
	if err := s.warnOfUse(ctx, path, limits); err != nil {
		return err
	}
	_, err = s.zk.SetData(ctx, limitsPath(path), []byte(limits.String()), -1)
	return err
}

// ensure creates a znode unless it is there.
func (s *Shell) ensure(ctx context.Context, path string, data []byte) error {
	if _, err := s.zk.Exists(ctx, path, false); !errors.Is(err, proto.ErrNoNode) {
		return err
	}
	_, err := s.zk.Create(ctx, path, data, proto.OpenACL, proto.FlagPersistent, 0)
	if errors.Is(err, proto.ErrNodeExists) {
		return nil
	}
	return err
}

// warnOfUse says when there is already more than a limit allows.
func (s *Shell) warnOfUse(ctx context.Context, path string, limits track) error {
	use, err := readTrack(ctx, s.zk, statsPath(path))
	if err != nil {
		return err
	}
	exceeded := func(used int64, names ...string) bool {
		for _, name := range names {
			if limit := limits.get(name); limit > -1 && limit < used {
				return true
			}
		}
		return false
	}
	if used := use.get(trackCount); exceeded(used, trackCount, trackCountHard) {
		s.p.printf("[Warning]: the count quota you create is less than the existing count:%d\n", used)
	}
	if used := use.get(trackBytes); exceeded(used, trackBytes, trackBytesHard) {
		s.p.printf("[Warning]: the bytes quota you create is less than the existing bytes:%d\n", used)
	}
	return nil
}

func listQuota(ctx context.Context, s *Shell, p parsed) error {
	path := p.args[1]
	s.p.complain("absolute path is " + limitsPath(path))
	limits, err := readTrack(ctx, s.zk, limitsPath(path))
	var use track
	if err == nil {
		use, err = readTrack(ctx, s.zk, statsPath(path))
	}
	if errors.Is(err, proto.ErrNoNode) {
		s.p.complain("quota for " + path + " does not exist.")
		return nil
	}
	if err != nil {
		return err
	}
	s.answer(map[string]any{"path": path, "limits": limits, "use": use}, func() {
		s.p.printf("Output quota for %s %s\nOutput stat for %s %s\n", path, limits, path, use)
	})
	return nil
}

func delQuota(ctx context.Context, s *Shell, p parsed) error {
	path := p.args[1]
	if _, err := s.zk.Exists(ctx, limitsPath(path), false); errors.Is(err, proto.ErrNoNode) {
		s.p.println("Quota does not exist for " + path)
		return nil
	} else if err != nil {
		return err
	}
	err := s.dropQuota(ctx, path, p)
	if errors.Is(err, proto.ErrNoNode) {
		s.p.complain("quota for " + path + " does not exist.")
		return nil
	}
	return err
}

func (s *Shell) dropQuota(ctx context.Context, path string, p parsed) error {
	limits, err := readTrack(ctx, s.zk, limitsPath(path))
	if err != nil {
		return err
	}
	if len(p.values) > 0 {
		for _, q := range quotaOptions {
			if p.has(q.option) {
				limits[q.name] = -1
			}
		}
		_, err := s.zk.SetData(ctx, limitsPath(path), []byte(limits.String()), -1)
		return err
	}
	names, _, err := s.zk.Children(ctx, quotaRoot+path, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.zk.Delete(ctx, quotaRoot+path+"/"+name, -1); err != nil {
			return err
		}
	}
	// What is left of the path goes, up to where another quota begins.
	for parent := quotaRoot + path; parent != quotaRoot; parent = client.Parent(parent) {
		names, _, err := s.zk.Children(ctx, parent, false)
		if err != nil || len(names) > 0 {
			return err
		}
		if err := s.zk.Delete(ctx, parent, -1); err != nil {
			return err
		}
	}
	return nil
}
