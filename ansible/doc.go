// Package ansible holds the collection exgrant.exchange, for many organizations by
// Ansible or AWX. Its modules call the program exgrant; the tests beside this file run
// them against simulated organizations.
package ansible
