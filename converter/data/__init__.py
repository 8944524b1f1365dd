"""What users give: images, classes, models and weights files."""
