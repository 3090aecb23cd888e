"""The app on Kubernetes, whoever has made the cluster: what both targets on one stand on."""
