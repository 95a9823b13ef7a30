// Package cli is a shell for ZooKeeper servers: the commands of Apache's
// zkCli.sh 3.9.5 with its output, its messages and its exit codes, and after
// them the commands that its users take other tools for.
//
// What is Apache's is taken from ZooKeeperMain and org.apache.zookeeper.cli.
// Option parsing follows commons-cli's DefaultParser, because its messages
// reach the user. Deliberate differences are listed in docs/cli.md.
package cli
