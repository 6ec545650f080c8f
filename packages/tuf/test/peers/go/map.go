package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/multirepo"
)

type mapRequest struct {
	Map   []byte            `json:"map"`
	Roots map[string][]byte `json:"roots"`
	Paths []string          `json:"paths"`
}

type mapLookup struct {
	lookupAnswer
	Repositories []string `json:"repositories,omitempty"`
}

// runMap looks targets up in several repositories (TAP 4); their addresses are in the map.
func runMap(asked mapRequest) (any, error) {
	directory, err := os.MkdirTemp("", "holdfast-go-tuf-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	var client *multirepo.MultiRepoClient
	err = guarded(func() error {
		settings, err := multirepo.NewConfig(asked.Map, asked.Roots)
		if err != nil {
			return err
		}
		settings.LocalMetadataDir = filepath.Join(directory, "metadata")
		settings.LocalTargetsDir = filepath.Join(directory, "targets")
		client, err = multirepo.New(settings)
		return err
	})
	if err != nil {
		return map[string]any{"refused": err.Error(), "lookups": []mapLookup{}}, nil
	}
	answers := []mapLookup{}
	for _, path := range asked.Paths {
		answers = append(answers, lookUpInMap(client, path))
	}
	return map[string]any{"lookups": answers}, nil
}

func lookUpInMap(client *multirepo.MultiRepoClient, path string) mapLookup {
	var found *metadata.TargetFiles
	var repositories []string
	err := guarded(func() (err error) {
		found, repositories, err = client.GetTargetInfo(path)
		return err
	})
	if err != nil {
		return mapLookup{lookupAnswer: lookupAnswer{Refused: err.Error()}}
	}
	hashes := map[string]string{}
	for algorithm, hash := range found.Hashes {
		hashes[algorithm] = fmt.Sprintf("%x", []byte(hash))
	}
	return mapLookup{lookupAnswer{Length: &found.Length, Hashes: hashes}, repositories}
}
