"""The applications that the product is measured beside, each as plain as its own documentation shows it."""
