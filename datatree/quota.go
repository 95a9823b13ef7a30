package datatree

import (
	"fmt"
	"iter"
	"strings"
)

// The znodes below /zookeeper/quota/PATH that hold the limits and the usage
// of the subtree at PATH (Quotas).
const (
	limitsName = "zookeeper_limits"
	usageName  = "zookeeper_stats"
)

// Quota is a limit on a subtree, or what it uses. The root of the subtree
// counts. A value of -1 means none.
type Quota struct {
	Count, Bytes         int64 // soft limits, which only warn; or the usage
	CountHard, BytesHard int64 // limits that refuse
}

func limitsPath(prefix string) string { return quotaPath + prefix + "/" + limitsName }
func usagePath(prefix string) string  { return quotaPath + prefix + "/" + usageName }

// quotaOf returns the path that a limits or usage znode is about; "" when the
// path is no such znode, or about the root, which cannot have a quota.
func quotaOf(path, name string) string {
	subject, ok := strings.CutSuffix(path, "/"+name)
	if !ok || !strings.HasPrefix(subject, quotaPath+"/") {
		return ""
	}
	return subject[len(quotaPath):]
}

// QuotaPrefix returns the path with a quota that is path or the nearest one
// above it.
func (t *Tree) QuotaPrefix(path string) (prefix string, ok bool) {
	if len(t.quotas) == 0 {
		return "", false
	}
	for path != "" {
		if _, ok := t.quotas[path]; ok {
			return path, true
		}
		path, _, _ = SplitPath(path)
	}
	return "", false
}

// QuotaLimits returns the limits of a path with a quota.
func (t *Tree) QuotaLimits(prefix string) (Quota, bool) { return t.readQuota(limitsPath(prefix)) }

// QuotaUsage returns what the subtree of a path with a quota uses.
func (t *Tree) QuotaUsage(prefix string) (Quota, bool) { return t.readQuota(usagePath(prefix)) }

func (t *Tree) readQuota(path string) (Quota, bool) {
	z := t.Lookup(path)
	if z == nil {
		return Quota{}, false
	}
	q := parseQuota(string(z.Data()))
	return Quota{
		Count: q.get(countField), Bytes: q.get(bytesField),
		CountHard: q.get(countHardField), BytesHard: q.get(bytesHardField),
	}, true
}

// QuotaPaths visits every path that has a quota, in no particular order.
func (t *Tree) QuotaPaths() iter.Seq[string] {
	return func(yield func(string) bool) {
		for path := range t.quotas {
			if !yield(path) {
				return
			}
		}
	}
}

// QuotaExceeded tells whether a change at path that adds so many znodes and
// bytes would break a hard limit. A broken soft limit is a notice. Changes of
// 0 are not checked (ZooKeeperServer.checkQuota).
func (t *Tree) QuotaExceeded(path string, count, sizeBytes int64) bool {
	prefix, ok := t.QuotaPrefix(path)
	if !ok {
		return false
	}
	limits, ok := t.QuotaLimits(prefix)
	if !ok {
		return false
	}
	usage, ok := t.QuotaUsage(prefix)
	if !ok {
		return false
	}
	return t.limitBroken(prefix, "count", "Count", usage.Count, count, limits.Count, limits.CountHard) ||
		t.limitBroken(prefix, "bytes", "Byte", usage.Bytes, sizeBytes, limits.Bytes, limits.BytesHard)
}

// limitBroken checks one dimension. The hard limit, where there is one, takes
// the place of the soft one.
func (t *Tree) limitBroken(prefix, unit, name string, used, added, soft, hard int64) bool {
	limit, kind := soft, "soft"
	if hard > noLimit {
		limit, kind = hard, "hard"
	}
	if added == 0 || limit <= noLimit || used+added <= limit {
		return false
	}
	t.notice(fmt.Sprintf("Quota exceeded: %s [current %s=%d, %s%sLimit=%d]", prefix, unit, used+added, kind, name, limit))
	return hard > noLimit
}

// quotaAfterCreate keeps account of a new znode. It may itself be one that
// makes a quota.
func (t *Tree) quotaAfterCreate(z *Znode) {
	path := z.key()
	if subject := quotaOf(path, limitsName); subject != "" {
		t.quotas[strings.Clone(subject)] = struct{}{}
	}
	t.usageCreated(path)
	t.addUsage(path, 1, z.dataBytes())
}

// usageCreated measures what a new usage znode is about.
func (t *Tree) usageCreated(path string) {
	if subject := quotaOf(path, usageName); subject != "" {
		t.measureUsage(subject)
	}
}

// quotaAfterDelete keeps account of a znode that is gone.
func (t *Tree) quotaAfterDelete(z *Znode) {
	path := z.key()
	if subject := quotaOf(path, limitsName); subject != "" {
		delete(t.quotas, subject)
	}
	t.addUsage(path, -1, -z.dataBytes())
}

// addUsage counts a change at path in the nearest quota. While the limits are
// there and the usage is not yet, there is nothing to count in; the usage is
// measured when it comes.
func (t *Tree) addUsage(path string, count, sizeBytes int64) {
	prefix, ok := t.QuotaPrefix(path)
	if !ok {
		return
	}
	z := t.Lookup(usagePath(prefix))
	if z == nil {
		return
	}
	q := parseQuota(string(z.Data()))
	q.set(countField, q.get(countField)+count)
	q.set(bytesField, q.get(bytesField)+sizeBytes)
	t.setUsage(z, q)
}

// measureUsage counts the subtree at path into its usage znode.
func (t *Tree) measureUsage(path string) {
	usage := t.Lookup(usagePath(path))
	if usage == nil {
		return
	}
	var count, sizeBytes int64
	if z := t.Lookup(path); z != nil {
		count, sizeBytes = 1, z.dataBytes()
		t.descendants(z, func(d *Znode) {
			count++
			sizeBytes += d.dataBytes()
		})
	}
	t.setUsage(usage, quotaText{{countField, count}, {bytesField, sizeBytes}})
}

// setUsage replaces the data of a usage znode. It is no setData: the Stat
// stays, no watch fires, the digest does not cover it, and as in Apache the
// size of all data does not follow.
func (t *Tree) setUsage(z *Znode, q quotaText) {
	t.keepImage(z)
	z.setText(z.key(), q.append(nil))
	t.hashText(z)
}

// loadQuotas finds the quotas in a tree that was just decoded and measures
// their usage, which a fuzzy snapshot may have wrong.
func (t *Tree) loadQuotas() {
	quota := t.Lookup(quotaPath)
	if quota == nil {
		return
	}
	t.descendants(quota, func(z *Znode) {
		if subject := quotaOf(z.key(), limitsName); subject != "" && z.kids == 0 {
			t.quotas[strings.Clone(subject)] = struct{}{}
		}
	})
	t.measureQuotas()
}

func (t *Tree) measureQuotas() {
	for path := range t.quotas {
		t.measureUsage(path)
	}
}
