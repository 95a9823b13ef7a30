package fourletter

import "strconv"

// Member is what words show of a server in an ensemble besides the rest.
type Member struct {
	// Of a leader: the sizes of its proposals in bytes, -1 before the first.
	Leads                                  bool
	LastProposal, MinProposal, MaxProposal int64

	PeerState string // for example "following - broadcast"
	// MasterID is the server through which an observer learns; nil of others.
	MasterID *int64

	InitTicks, SyncTicks       int
	ElectionPorts, QuorumPorts string // joined by "|"
	PeerType                   int    // 0 participant, 1 observer
	Membership                 string // the text of the configuration; empty of a read-only server
}

// appendProposals adds the last line of srvr and stat on a leader.
func appendProposals(b []byte, v View) []byte {
	m := v.Member()
	if m == nil || !m.Leads {
		return b
	}
	b = append(b, "Proposal sizes last/min/max: "...)
	b = append(strconv.AppendInt(b, m.LastProposal, 10), '/')
	b = append(strconv.AppendInt(b, m.MinProposal, 10), '/')
	return append(strconv.AppendInt(b, m.MaxProposal, 10), '\n')
}

// appendMember adds the lines of conf about the ensemble.
func appendMember(b []byte, m *Member) []byte {
	if m == nil {
		return b
	}
	b = keyInt(b, "initLimit=", int64(m.InitTicks))
	b = keyInt(b, "syncLimit=", int64(m.SyncTicks))
	b = append(b, "electionAlg=3\n"...)
	b = keyText(b, "electionPort=", m.ElectionPorts)
	b = keyText(b, "quorumPort=", m.QuorumPorts)
	b = keyInt(b, "peerType=", int64(m.PeerType))
	if m.Membership == "" {
		return b
	}
	return append(append(b, "membership: \n"...), m.Membership...)
}
