package server

import (
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
)

// authenticate answers an auth packet at once: it is not ordered with the
// requests around it, each of which carries the identities of its arrival.
func (c *conn) authenticate(xid int32, body []byte) error {
	d := jute.NewDecoder(body)
	var req proto.AuthPacket
	req.Decode(&d)
	if err := d.Err(); err != nil {
		return fmt.Errorf("auth packet: %w", err)
	}
	peer := auth.Peer{IP: auth.HostText(c.remote.Addr())}
	ids, verdict := c.srv.auth.Authenticate(peer, c.identities(), req.Scheme, req.Auth)
	if req.Scheme == "ensemble" {
		c.srv.countEnsemble(verdict, len(req.Auth) > 0)
	}
	switch verdict {
	case auth.Accept:
		c.ids.Store(&ids)
		c.replyHeader(xid, 0, proto.OK)
		return nil
	case auth.Drop:
		return fmt.Errorf("auth packet of scheme %q: client is meant for another ensemble", req.Scheme)
	}
	c.srv.log.Warn().Str("client", c.remote.String()).Str("scheme", req.Scheme).Msg("authentication failed")
	c.replyHeader(xid, 0, proto.ErrAuthFailed)
	c.finish()
	return errFinished
}

// sasl answers as an Apache without a login configuration: no error, and no
// token.
func (c *conn) sasl(xid int32, body []byte) error {
	d := jute.NewAliasDecoder(body)
	var req proto.SASLToken
	req.Decode(&d)
	if err := d.Err(); err != nil {
		return fmt.Errorf("sasl packet: %w", err)
	}
	if req.Token == nil {
		return fmt.Errorf("sasl packet: %w", proto.ErrNull)
	}
	b := proto.ReplyHeader{Xid: xid}.Append(c.out.begin())
	c.out.end(jute.AppendNull(b))
	return nil
}

// countEnsemble counts a client that may have named the ensemble it is meant
// for.
func (srv *Server) countEnsemble(v auth.Verdict, named bool) {
	switch {
	case v == auth.Drop:
		srv.meters.ensembleRefused.Add(1)
	case v != auth.Accept: // there is no such scheme here
	case named && srv.cfg.Auth.EnsembleNames != "":
		srv.meters.ensembleAccepted.Add(1)
	default:
		srv.meters.ensembleUnsaid.Add(1)
	}
}
