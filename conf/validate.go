package conf

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// Validate tells what is wrong with a configuration that was made by a
// program, by the key that would set it. What [Load] returns is valid. The
// error is an *[Error].
func (c *Config) Validate() error {
	st, lim := &c.Storage, &c.Limits
	_, notIP := netip.ParseAddr(c.Client.Address)
	for _, rule := range []struct {
		ok         bool
		key, value string
		must       string
	}{
		{st.DataDir != "", "dataDir", st.DataDir, "must name a directory"},
		{st.LogDir != "", "dataLogDir", st.LogDir, "must name a directory"},
		{c.Client.Port >= NoPort && c.Client.Port <= maxPort, "clientPort", fmt.Sprint(c.Client.Port), portAllowed},
		{c.Client.Address == "" || notIP == nil, "clientPortAddress", c.Client.Address, "must be an IP address"},
		{c.Session.TickTimeMs >= 1, "tickTime", fmt.Sprint(c.Session.TickTimeMs), "must be at least 1"},
		{c.Session.MinTimeoutMs <= c.Session.MaxTimeoutMs, "minSessionTimeout", fmt.Sprint(c.Session.MinTimeoutMs), "must not be larger than maxSessionTimeout"},
		{lim.MaxFrameBytes >= 1 && lim.MaxFrameBytes <= math.MaxInt32, "jute.maxbuffer", fmt.Sprint(lim.MaxFrameBytes), "must be from 1 to 2147483647"},
		{lim.ExtraFrameBytes >= 1024, "jute.maxbuffer.extrasize", fmt.Sprint(lim.ExtraFrameBytes), "must be at least 1024"},
		{lim.LogQueueBytes >= 1, "meerkat.logQueueBytes", fmt.Sprint(lim.LogQueueBytes), "must be at least 1"},
		{st.SnapCount >= 2, "snapCount", fmt.Sprint(st.SnapCount), "must be at least 2"},
		{st.PurgeRetain >= 3, "autopurge.snapRetainCount", fmt.Sprint(st.PurgeRetain), "must be at least 3"},
		{compression(st.Compression) == st.Compression, "snapshot.compression.method", st.Compression, "must be empty, gz or snappy"},
		{c.Containers.CheckIntervalMs >= 1, "znode.container.checkIntervalMs", fmt.Sprint(c.Containers.CheckIntervalMs), "must be at least 1"},
		{c.Containers.MaxPerMinute >= 1, "znode.container.maxPerMinute", fmt.Sprint(c.Containers.MaxPerMinute), "must be at least 1"},
	} {
		if !rule.ok {
			return &Error{Place: Place{File: c.File}, Key: rule.key, Value: rule.value, Problem: rule.must, Kind: ErrInvalid}
		}
	}
	if !c.Quorum.Enabled {
		return nil
	}
	return c.validateEnsemble()
}

// validateEnsemble is the part of Validate about ensembles.
func (c *Config) validateEnsemble() error {
	q, e := &c.Quorum, &c.Election
	own := q.Server(q.ID)
	sorted := slices.IsSortedFunc(q.Servers, func(a, b Server) int { return cmp.Compare(a.ID, b.ID) })
	for _, rule := range []struct {
		ok         bool
		key, value string
		must       string
	}{
		{sorted && len(q.Voters()) > 0, "server.*", fmt.Sprint(len(q.Servers)), "must have a voter, and stand in the order of their numbers"},
		{own != nil && own.Observer == q.Observer, "myid", fmt.Sprint(q.ID), "must be the number of a server, with its role"},
		{q.InitTicks >= 1, "initLimit", fmt.Sprint(q.InitTicks), "must be at least 1"},
		{q.SyncTicks >= 1, "syncLimit", fmt.Sprint(q.SyncTicks), "must be at least 1"},
		{q.ConnectTicks >= 1, "connectToLearnerMasterLimit", fmt.Sprint(q.ConnectTicks), "must be at least 1"},
		{e.ConnectTimeoutMs >= 1, "cnxTimeout", fmt.Sprint(e.ConnectTimeoutMs), "must be at least 1"},
		{e.HandshakeTimeoutMs >= 1, "quorumCnxnTimeoutMs", fmt.Sprint(e.HandshakeTimeoutMs), "must be at least 1"},
		{e.MinNotifyMs >= 1 && e.MaxNotifyMs >= e.MinNotifyMs, "fastleader.minNotificationInterval", fmt.Sprint(e.MinNotifyMs), "must be from 1 to fastleader.maxNotificationInterval"},
		{c.Leader.CommitLogCount >= 500, "commitLogCount", fmt.Sprint(c.Leader.CommitLogCount), "must be at least 500"},
		{c.Leader.MaxSnapSyncs >= 1, "leader.maxConcurrentSnapSyncs", fmt.Sprint(c.Leader.MaxSnapSyncs), "must be at least 1"},
		{c.Leader.MaxDiffSyncs >= 1, "leader.maxConcurrentDiffSyncs", fmt.Sprint(c.Leader.MaxDiffSyncs), "must be at least 1"},
	} {
		if !rule.ok {
			return &Error{Place: Place{File: c.File}, Key: rule.key, Value: rule.value, Problem: rule.must, Kind: ErrInvalid}
		}
	}
	for _, s := range q.Servers {
		if s.ID < 1 || len(s.Addresses) == 0 {
			return &Error{Place: Place{File: c.File}, Key: fmt.Sprintf("server.%d", s.ID), Problem: "must have a number from 1, and an address", Kind: ErrInvalid}
		}
	}
	return nil
}
