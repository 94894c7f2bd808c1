package main

import (
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// routeAnswer is one virtual host of a sidecar's outbound listener. clusters: of each of its routes, in order;
// a route that leads to no cluster (a redirect, a fixed answer) has none.
type routeAnswer struct {
	Port     string     `json:"port"`
	Domains  []string   `json:"domains"`
	Clusters [][]string `json:"clusters"`
}

func routed(configurations []*route.RouteConfiguration) []routeAnswer {
	found := []routeAnswer{}
	for _, configuration := range configurations {
		for _, host := range configuration.VirtualHosts {
			one := routeAnswer{Port: configuration.Name, Domains: host.Domains, Clusters: [][]string{}}
			for _, each := range host.Routes {
				one.Clusters = append(one.Clusters, clustersOf(each.GetRoute()))
			}
			found = append(found, one)
		}
	}
	return found
}

func clustersOf(action *route.RouteAction) []string {
	if weighted := action.GetWeightedClusters(); weighted != nil {
		names := []string{}
		for _, one := range weighted.Clusters {
			names = append(names, one.Name)
		}
		return names
	}
	if name := action.GetCluster(); name != "" {
		return []string{name}
	}
	return []string{}
}
