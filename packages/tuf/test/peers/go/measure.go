package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

type verifyRequest struct {
	RootFile    string `json:"rootFile"`
	TargetsFile string `json:"targetsFile"`
	Runs        int    `json:"runs"`
}

// runVerify reads targets metadata and verifies it with the root's keys, as many times as asked.
func runVerify(asked verifyRequest) (any, error) {
	rootBytes, err := os.ReadFile(asked.RootFile)
	if err != nil {
		return nil, err
	}
	root, err := metadata.Root().FromBytes(rootBytes)
	if err != nil {
		return nil, err
	}
	bytes, err := os.ReadFile(asked.TargetsFile)
	if err != nil {
		return nil, err
	}
	times := []float64{}
	for range asked.Runs {
		runtime.GC()
		began := time.Now()
		targets, err := metadata.Targets().FromBytes(bytes)
		if err != nil {
			return nil, err
		}
		if err := root.VerifyDelegate(metadata.TARGETS, targets); err != nil {
			return nil, err
		}
		times = append(times, milliseconds(began))
		runtime.KeepAlive(targets)
	}
	return map[string]any{"ms": times}, nil
}

type clientRequest struct {
	MetadataURL string `json:"metadataUrl"`
	Target      string `json:"target"`
}

// runClient refreshes and looks one target up, with an empty cache and then with the one that is there now.
func runClient(asked clientRequest, rootFile string, runs int) (any, error) {
	trusted, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, err
	}
	cold, warm := []float64{}, []float64{}
	for range runs {
		directory, err := os.MkdirTemp("", "holdfast-go-tuf-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(directory)
		for _, times := range []*[]float64{&cold, &warm} {
			runtime.GC()
			began := time.Now()
			if err := refreshAndLookUp(trusted, directory, asked); err != nil {
				return nil, err
			}
			*times = append(*times, milliseconds(began))
		}
	}
	return map[string]any{"cold": cold, "warm": warm}, nil
}

func refreshAndLookUp(trusted []byte, directory string, asked clientRequest) error {
	settings, err := config.New(asked.MetadataURL, trusted)
	if err != nil {
		return err
	}
	settings.LocalMetadataDir = filepath.Join(directory, "metadata")
	settings.LocalTargetsDir = filepath.Join(directory, "targets")
	client, err := updater.New(settings)
	if err != nil {
		return err
	}
	found, err := client.GetTargetInfo(asked.Target)
	if err == nil && found == nil {
		err = fmt.Errorf("%s was not found", asked.Target)
	}
	return err
}

func milliseconds(began time.Time) float64 {
	return float64(time.Since(began).Microseconds()) / 1000
}
