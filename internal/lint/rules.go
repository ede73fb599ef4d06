package lint

import "slices"

// rules is the table, in the order of the ids.
var rules = slices.Concat(vrrpRules, lvsRules, poolRules, directorRules, tlsRules, privilegeRules, clusterRules)
