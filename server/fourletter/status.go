package fourletter

import (
	"strconv"

	"github.com/meerkat-zk/meerkat/server/stats"
)

func appendSrvr(b []byte, v View) []byte { return appendStatus(appendVersion(b, v), v) }

func appendStat(b []byte, v View) []byte {
	b = append(appendVersion(b, v), "Clients:\n"...)
	for _, c := range v.Conns() {
		b = append(appendConn(b, &c, true), '\n')
	}
	return appendStatus(append(b, '\n'), v)
}

func appendVersion(b []byte, v View) []byte {
	b = keyText(b, "Zookeeper version: ", v.Version())
	if v.ReadOnly() {
		b = append(b, "READ-ONLY mode; serving only read-only clients\n"...)
	}
	return b
}

func appendStatus(b []byte, v View) []byte {
	s := v.Status()
	t := &s.Totals
	b = append(b, "Latency min/avg/max: "...)
	b = append(strconv.AppendInt(b, t.MinLatencyMs, 10), '/')
	b = append(append(b, stats.JavaDouble(t.AvgLatencyMs)...), '/')
	b = append(strconv.AppendInt(b, t.MaxLatencyMs, 10), '\n')
	b = keyInt(b, "Received: ", t.PacketsReceived)
	b = keyInt(b, "Sent: ", t.PacketsSent)
	b = keyInt(b, "Connections: ", int64(s.Connections))
	b = keyInt(b, "Outstanding: ", s.Outstanding)
	b = append(hex(append(b, "Zxid: "...), s.Zxid), '\n')
	b = keyText(b, "Mode: ", s.Mode)
	return appendProposals(keyInt(b, "Node count: ", int64(s.Nodes)), v)
}

func appendConf(b []byte, v View) []byte {
	c := v.Config()
	b = keyInt(b, "clientPort=", int64(c.ClientPort))
	b = keyInt(b, "secureClientPort=", int64(c.SecureClientPort))
	b = keyText(b, "dataDir=", c.DataDir)
	b = keyInt(b, "dataDirSize=", c.DataDirBytes)
	b = keyText(b, "dataLogDir=", c.LogDir)
	b = keyInt(b, "dataLogSize=", c.LogDirBytes)
	b = keyInt(b, "tickTime=", int64(c.TickTimeMs))
	b = keyInt(b, "maxClientCnxns=", int64(c.MaxClientConns))
	b = keyInt(b, "minSessionTimeout=", int64(c.MinSessionMs))
	b = keyInt(b, "maxSessionTimeout=", int64(c.MaxSessionMs))
	b = keyInt(b, "clientPortListenBacklog=", int64(c.ListenBacklog))
	return appendMember(keyInt(b, "serverId=", c.ServerID), v.Member())
}

func appendDirs(b []byte, v View) []byte {
	data, log := v.DirSizes()
	return keyInt(keyInt(b, "datadir_size: ", data), "logdir_size: ", log)
}

func appendMntr(b []byte, v View) []byte {
	line := func(key, value string) {
		b = append(append(append(append(append(b, "zk_"...), key...), '\t'), value...), '\n')
	}
	line("version", v.Version())
	line("server_state", v.Status().Mode)
	if m := v.Member(); m != nil {
		line("peer_state", m.PeerState)
		if m.MasterID != nil {
			line("observer_master_id", strconv.FormatInt(*m.MasterID, 10))
		}
	}
	v.Metrics(func(name string, value stats.Value) { line(name, value.String()) })
	return b
}

func appendHash(b []byte, v View) []byte {
	for _, d := range v.Digests() {
		b = strconv.AppendUint(b, uint64(d.Zxid), 16)
		b = keyInt(b, ": ", int64(d.Digest)) // signed, as a Java long
	}
	return b
}
