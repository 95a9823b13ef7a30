package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// snapshot saves a snapshot and, unless told otherwise, sends it.
func snapshot(s *Server, r *request, out *response) {
	switch {
	case !s.cfg.SnapshotEnabled:
		out.fail(http.StatusServiceUnavailable, "")
		r.log("snapshot on command refused: admin.snapshot.enabled is false", nil)
		return
	case !r.view.CanSnapshot():
		out.fail(http.StatusInternalServerError, "")
		r.log("snapshot on command refused: serializeLastProcessedZxid.enabled is false", nil)
		return
	case !s.snapshots.allow():
		s.cfg.Meters.SnapshotLimited.Add(1)
		out.fail(http.StatusTooManyRequests, "")
		return
	}
	taken, err := r.view.TakeSnapshot(r.ctx)
	if err != nil {
		s.cfg.Meters.SnapshotErrors.Add(1)
		out.fail(http.StatusInternalServerError, "")
		r.log("snapshot on command failed", err)
		return
	}
	out.header("last_zxid", fmt.Sprintf("0x%x", uint64(taken.Zxid)))
	out.header("snapshot_size", strconv.FormatInt(taken.SizeBytes, 10))
	if text, given := r.query("streaming"); !given || strings.EqualFold(text, "true") {
		out.body, out.size = taken.ReadCloser, taken.SizeBytes
		return
	}
	_ = taken.Close() // it was only read
}

// restore replaces the state by the snapshot in the body. Apache leaves error
// null whatever goes wrong; here it says why.
func restore(s *Server, r *request, out *response) {
	switch {
	case !s.cfg.RestoreEnabled:
		out.fail(http.StatusServiceUnavailable, "")
		r.log("restore on command refused: admin.restore.enabled is false", nil)
		return
	case !r.view.CanSnapshot():
		out.fail(http.StatusInternalServerError, "")
		r.log("restore on command refused: serializeLastProcessedZxid.enabled is false", nil)
		return
	case !s.restores.allow():
		s.cfg.Meters.RestoreLimited.Add(1)
		out.fail(http.StatusTooManyRequests, "")
		return
	}
	zxid, err := r.view.Restore(r.ctx, r.body)
	if err != nil {
		s.cfg.Meters.RestoreErrors.Add(1)
		out.fail(http.StatusInternalServerError, "restore failed, nothing was changed: "+err.Error())
		if errors.Is(err, ErrUnsupported) {
			out.status = http.StatusConflict
		}
		r.log("restore on command failed", err)
		return
	}
	out.data.put("last_zxid", zxid)
}

// maxShedBytes bounds the body of shed_connections.
const maxShedBytes = 4096

// shedConnections closes a part of the connections, so that their clients
// spread over the servers again.
func shedConnections(_ *Server, r *request, out *response) {
	percent, problem := percentage(io.LimitReader(r.body, maxShedBytes))
	if problem != "" {
		out.fail(http.StatusBadRequest, problem)
		return
	}
	shed := 0
	if percent > 0 {
		shed = r.view.Shed(percent)
	}
	out.data = object{{"connections_shed", shed}, {"percentage_requested", percent}}
}

// percentage reads {"percentage": N}; what is not a number counts as 0 in
// Apache, and is an error here.
func percentage(body io.Reader) (percent int, problem string) {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&fields); err != nil {
		return 0, "Invalid JSON or failed to read request body: " + err.Error()
	}
	raw, given := fields["percentage"]
	if !given {
		return 0, "Missing required field: percentage"
	}
	if err := json.Unmarshal(raw, &percent); err != nil {
		return 0, "percentage must be a whole number"
	}
	if percent < 0 || percent > 100 {
		return 0, "Percentage must be between 0 and 100"
	}
	return percent, ""
}
