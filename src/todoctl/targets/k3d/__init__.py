"""The k3d target: the app on a Kubernetes cluster in Docker."""
