// Package exporter shows a server's metrics to Prometheus, under the names
// and with the types that Apache ZooKeeper's PrometheusMetricsProvider gives
// them: counters, gauges, and summaries with the quantile 0.5, or 0.5, 0.9 and
// 0.99 if advanced; the members of a set carry the label key.
//
// Quantiles are those of the last ten minutes, as in Apache: of the time
// since a scrape at least that long ago. Until there was one they are those
// since the start. Counts and sums are since the start.
package exporter
