// Package exchangesim is a model of an Exchange organization.
package exchangesim
