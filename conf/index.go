package conf

import "strings"

// keyIndex finds the key that a name stands for.
type keyIndex struct {
	exact    map[string]*Key // by the name in a file
	patterns []*Key          // those that end in *
	props    map[string]*Key // by property, Also included
}

func newKeyIndex() keyIndex {
	x := keyIndex{exact: map[string]*Key{}, props: map[string]*Key{}}
	for _, g := range Groups() {
		for i := range g.Keys {
			k := &g.Keys[i]
			if strings.HasSuffix(k.Name, "*") {
				x.patterns = append(x.patterns, k)
				continue
			}
			x.exact[k.Name] = k
			if p := k.Property(); p != "" {
				x.props[p] = k
			}
			if k.Also != "" {
				x.props[k.Also] = k
			}
		}
	}
	return x
}

// named returns the key that stands under a name in the table.
func (x *keyIndex) named(name string) *Key {
	if k := x.exact[name]; k != nil {
		return k
	}
	for _, k := range x.patterns {
		if name+"*" == k.Name && k.Origin == FileOnly {
			return k // the rest is wrong, not the key
		}
		if _, ok := isBelow(name, strings.TrimSuffix(k.Name, "*")); ok {
			return k
		}
	}
	return nil
}

// fileOnly returns the key that a name in a file means, if it is one that
// Apache does not turn into a property.
func (x *keyIndex) fileOnly(name string) *Key {
	if k := x.named(name); k != nil && k.Origin == FileOnly {
		return k
	}
	return nil
}

// property returns the key that a system property sets.
func (x *keyIndex) property(name string) *Key {
	if k := x.props[name]; k != nil {
		return k
	}
	if rest, ok := isBelow(name, propertyPrefix); ok {
		if k := x.named(rest); k != nil && k.Origin == FileOrProperty {
			return k
		}
	}
	return nil
}

// guideNames are headings of Apache's administrator guide that are read by
// nobody, with the keys that work.
var guideNames = map[string]string{
	"connectionMaxTokens":         "connection_throttle_tokens",
	"connectionTokenFillTime":     "connection_throttle_fill_time",
	"connectionTokenFillCount":    "connection_throttle_fill_count",
	"connectionFreezeTime":        "connection_throttle_freeze_time",
	"connectionDropIncrease":      "connection_throttle_drop_increase",
	"connectionDropDecrease":      "connection_throttle_drop_decrease",
	"connectionDecreaseRatio":     "connection_throttle_decrease_ratio",
	"requestThrottleLimit":        "request_throttle_max_requests",
	"requestThrottleStallTime":    "request_throttle_stall_time",
	"requestThrottleDropStale":    "request_throttle_drop_stale",
	"requestStaleLatencyCheck":    "request_stale_latency_check",
	"requestStaleConnectionCheck": "request_stale_connection_check",
	"throttledOpWaitTime":         "throttled_op_wait_time",
	"advancedFlowControlEnabled":  "netty.advancedFlowControl.enabled",
	"outstandingHandshake.limit":  "netty.server.outstandingHandshake.limit",
	"maxConcurrentSnapSyncs":      "leader.maxConcurrentSnapSyncs",
	"maxTimeToWaitForEpoch":       "leader.maxTimeToWaitForEpoch",
}

// unknown says why a property is read by nobody, and what was probably meant.
func (l *loader) unknown(property string, s setting) string {
	const nothing = "has no effect: "
	name, prefixed := strings.CutPrefix(property, propertyPrefix)
	if good, ok := guideNames[name]; ok {
		return nothing + "Apache's guide names it so, but what is read is " + good
	}
	if s.File == "" {
		switch k := l.index.named(name); {
		case k == nil:
			return nothing + "unknown property"
		case k.Origin == FileOnly:
			return nothing + "it is read only from the configuration file"
		case prefixed:
			return nothing + "the property is " + k.Property()
		default:
			return nothing + "the property is " + k.Property() + ", with the prefix"
		}
	}
	bare := strings.TrimPrefix(name, propertyPrefix)
	switch k := l.index.named(bare); {
	case k == nil:
		return nothing + "unknown key"
	case k.Origin == PropertyOnly:
		return nothing + "it can only be given as -D" + k.Name + "=..., not in the file"
	default:
		return nothing + "in a file the key is " + bare + ", without a prefix"
	}
}
