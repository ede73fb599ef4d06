package lint

import "slices"

// rules is the table, in the order of the ids; the caller owns it.
func rules() []Rule {
	return slices.Concat(vrrpRules, lvsRules, poolRules, directorRules, tlsRules, privilegeRules, proxyRules, serverRules, clusterRules)
}
