"""The paper's checkable claims, each as an estimate with an interval and a verdict; definitions in docs/methods.md."""
