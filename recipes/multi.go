package recipes

import "github.com/go-zookeeper/zk"

// notDone is the library's text for the result of an operation that was not
// carried out because another of the same Multi failed.
const notDone = "unknown error: -2"

// all returns the error of a Multi: that of the operation that failed.
func all(results []zk.MultiResponse, err error) error {
	for _, r := range results {
		if r.Error != nil && r.Error.Error() != notDone {
			return r.Error
		}
	}
	return err
}
