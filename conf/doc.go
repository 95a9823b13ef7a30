// Package conf reads a server's configuration: zoo.cfg, and what Apache
// ZooKeeper takes from Java system properties.
//
// [Load] parses the file with [ParseProperties], looks every key up in one
// table ([Keys]) and fills a [Config]. A key either sets a field, or is
// answered with a [Notice] (it is unknown, or means nothing here and why), or
// ends in an [Error] that names file, line, key, value and what is allowed.
//
// The keys, their defaults and the rules by which values are read are those of
// Apache ZooKeeper 3.9.5 (QuorumPeerConfig, ServerConfig and the classes that
// read system properties). docs/configuration.md is generated from the table.
package conf
