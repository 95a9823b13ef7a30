// Package tied keeps the processes that tests start from outliving them.
package tied
