package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// errNoApache means that what Apache needs is not on this machine.
var errNoApache = errors.New("cannot run Apache here")

// pom names what a server of Apache needs at run time: the last two are
// provided by its distribution, not by its Maven artefact.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>apache</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.zookeeper</groupId><artifactId>zookeeper</artifactId><version>%s</version></dependency>
    <dependency><groupId>org.xerial.snappy</groupId><artifactId>snappy-java</artifactId><version>1.1.10.5</version></dependency>
    <dependency><groupId>io.dropwizard.metrics</groupId><artifactId>metrics-core</artifactId><version>4.1.12.1</version></dependency>
  </dependencies>
</project>
`

// logback is Apache's own logging: INFO to the console.
const logback = `<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="CONSOLE"/></root>
</configuration>
`

// apache fetches the jars of a version into cache, unless they are there, and
// returns how to start it.
func apache(ctx context.Context, cache, version, heap string, log io.Writer) (contender, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return contender{}, fmt.Errorf("%w: it needs java, and there is none in PATH", errNoApache)
	}
	home := filepath.Join(cache, "apache-"+version)
	if err := fetch(ctx, home, version, log); err != nil {
		return contender{}, err
	}
	if err := os.WriteFile(filepath.Join(home, "logback.xml"), []byte(logback), 0o644); err != nil {
		return contender{}, err
	}
	return contender{
		name:    "Apache",
		version: "Apache ZooKeeper " + version + " on " + javaVersion(ctx, java) + ", heap " + heap,
		command: func(configFile, _ string) []string {
			// The flags are those of zkServer.sh.
			return []string{java, "-Dzookeeper.log.dir=" + filepath.Dir(configFile),
				"-XX:+HeapDumpOnOutOfMemoryError", "-XX:OnOutOfMemoryError=kill -9 %p", "-Xmx" + heap,
				"-Dcom.sun.management.jmxremote", "-Dcom.sun.management.jmxremote.local.only=false",
				"-cp", home + string(os.PathListSeparator) + filepath.Join(home, "lib", "*"),
				"org.apache.zookeeper.server.quorum.QuorumPeerMain", configFile}
		},
	}, nil
}

// fetch makes home/lib hold the jars. It is made beside and renamed, so that
// it is complete when it is there.
func fetch(ctx context.Context, home, version string, log io.Writer) error {
	lib := filepath.Join(home, "lib")
	if _, err := os.Stat(lib); err == nil {
		return nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("%w: its jars are not in %s, and there is no mvn in PATH to fetch them", errNoApache, lib)
	}
	fmt.Fprintf(log, "fetching Apache ZooKeeper %s with Maven into %s\n", version, lib)
	part := lib + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755),
		os.WriteFile(filepath.Join(home, "pom.xml"), fmt.Appendf(nil, pom, version), 0o644)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+part)
	cmd.Dir = home
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: mvn in %s: %w\n%s", errNoApache, home, err, out)
	}
	return os.Rename(part, lib)
}
