//! From definitions to a verified graph, and from the graph to a plan.
