"""Models in files: of ONNX and of torch.export."""
