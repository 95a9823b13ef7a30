package conf

import (
	"fmt"
	"math"
	"net/netip"
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
	return nil
}
