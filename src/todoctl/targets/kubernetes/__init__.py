"""The kubernetes target: the app in a namespace of a cluster that exists already."""
