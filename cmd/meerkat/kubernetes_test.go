package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/meerkat-zk/meerkat/conf"
)

// A manifest is what the test reads of a document for Kubernetes.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		Selector       yaml.Node
		ServiceName    string `yaml:"serviceName"`
		Replicas       int
		MaxUnavailable int `yaml:"maxUnavailable"`
		Ordinals       struct{ Start int }
		Ports          []port
		Template       struct {
			Metadata struct{ Labels map[string]string }
			Spec     podSpec
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

type port struct {
	Name          string
	Port          int
	TargetPort    string `yaml:"targetPort"`
	ContainerPort int    `yaml:"containerPort"`
}

type podSpec struct {
	Grace      int `yaml:"terminationGracePeriodSeconds"`
	Containers []struct {
		Ports        []port
		Env          []envVar
		Readiness    probe                              `yaml:"readinessProbe"`
		Liveness     probe                              `yaml:"livenessProbe"`
		VolumeMounts []struct{ Name, MountPath string } `yaml:"volumeMounts"`
	}
	Volumes []struct{ Name string }
}

type envVar struct {
	Name, Value string
	From        struct {
		Field struct {
			Path string `yaml:"fieldPath"`
		} `yaml:"fieldRef"`
	} `yaml:"valueFrom"`
}

type probe struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}

// TestKubernetes holds the parts of packaging/kubernetes to each other and to
// the server: selectors find the pods, ports have names that exist, and the
// environment makes a zoo.cfg that the server takes.
func TestKubernetes(t *testing.T) {
	all := manifests(t, "../../packaging/kubernetes/meerkat.yaml")
	set := all["StatefulSet/meerkat"]
	pod := set.Spec.Template
	if len(all) != 4 || set.Spec.Replicas != 3 || all["PodDisruptionBudget/meerkat"].Spec.MaxUnavailable != 1 {
		t.Errorf("%d documents: %v", len(all), slices.Sorted(maps.Keys(all)))
	}
	for name, m := range all {
		if got := labels(t, m.Spec.Selector); len(got) == 0 || !maps.Equal(got, pod.Metadata.Labels) {
			t.Errorf("%s selects %v, and the pods have %v", name, got, pod.Metadata.Labels)
		}
	}
	if all["Service/"+set.Spec.ServiceName].Kind == "" {
		t.Errorf("there is no service %s", set.Spec.ServiceName)
	}
	if limit := int(stopLimit.Seconds()); pod.Spec.Grace < 2*limit {
		t.Errorf("the pods are killed after %d s, and the server takes up to %d", pod.Spec.Grace, limit)
	}
	c := pod.Spec.Containers[0]
	named := map[string]int{}
	for _, p := range c.Ports {
		named[p.Name] = p.ContainerPort
	}
	for _, name := range []string{"Service/meerkat", "Service/meerkat-members"} {
		for _, p := range all[name].Spec.Ports {
			if named[p.TargetPort] != p.Port {
				t.Errorf("%s: port %d leads to %s, which is %d", name, p.Port, p.TargetPort, named[p.TargetPort])
			}
		}
	}
	for path, p := range map[string]probe{"/readyz": c.Readiness, "/livez": c.Liveness} {
		if p.Get.Path != path || named[p.Get.Port] != 8080 {
			t.Errorf("the probe %s asks %+v", path, p.Get)
		}
	}
	var volumes []string
	for _, v := range pod.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, v := range set.Spec.VolumeClaimTemplates {
		volumes = append(volumes, v.Metadata.Name)
	}
	for _, m := range c.VolumeMounts {
		if !slices.Contains(volumes, m.Name) {
			t.Errorf("%s is mounted and does not exist", m.Name)
		}
	}
	for ordinal := set.Spec.Ordinals.Start; ordinal < set.Spec.Ordinals.Start+set.Spec.Replicas; ordinal++ {
		checkMember(t, c.Env, ordinal)
	}
}

// checkMember reads the zoo.cfg that a pod gets.
func checkMember(t *testing.T, vars []envVar, ordinal int) {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{}
	for _, v := range vars {
		env[v.Name] = v.Value
		if strings.Contains(v.From.Field.Path, "apps.kubernetes.io/pod-index") {
			env[v.Name] = string(rune('0' + ordinal))
		}
	}
	if env["ZOO_DATA_LOG_DIR"] != "/data" {
		t.Errorf("the log is in %q, which is no volume", env["ZOO_DATA_LOG_DIR"])
	}
	env["ZOO_DATA_DIR"], env["ZOO_DATA_LOG_DIR"], env["ZOO_CONF_DIR"] = dir, dir, dir
	image := envOf(env)
	must(t, writeOnce(image.config(), image.zooCfg()))
	must(t, writeOnce(image.myid(), image.get("ZOO_MY_ID")+"\n"))
	cfg, _, err := conf.Load(filepath.Join(dir, "zoo.cfg"), nil)
	if err != nil {
		t.Fatalf("pod %d: %v", ordinal, err)
	}
	if cfg.Client.Port != 2181 || strings.Count(image.zooCfg(), "\nserver.") != 3 {
		t.Errorf("pod %d: client port %d, zoo.cfg\n%s", ordinal, cfg.Client.Port, image.zooCfg())
	}
}

func manifests(t *testing.T, path string) map[string]manifest {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	all := map[string]manifest{}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		all[m.Kind+"/"+m.Metadata.Name] = m
	}
}

// labels reads a selector, in either of its two shapes.
func labels(t *testing.T, selector yaml.Node) map[string]string {
	t.Helper()
	var set struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	if err := selector.Decode(&set); err == nil && len(set.MatchLabels) > 0 {
		return set.MatchLabels
	}
	var plain map[string]string
	must(t, selector.Decode(&plain))
	return plain
}
