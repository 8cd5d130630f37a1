import UnderstudyNumerics

extension Network {
  /// What a pass hands out of a layer.
  private enum Values { case preactivations, activations }

  /// How samples lie in a matrix, and which product takes them.
  private enum Layout {
    /// `[node, sample]`, by the product whose bits are the same on every machine.
    case columns
    /// `[sample, node]`, by OpenBLAS.
    case rows
  }

  /// Sends samples up through the layers: the one forward pass. Of a normalised fully connected network it is the ``folded``
  /// one's.
  ///
  /// - Parameters:
  ///   - wanted: the layers whose values are returned, lowest first.
  ///   - entry: the layer that `samples` enter.
  private func pass(
    _ samples: Matrix, _ layout: Layout, entering entry: Int = 0, _ values: Values, of wanted: Range<Int>
  ) -> [Matrix] {
    guard isDense else {
      let columns = layout == .columns ? samples : samples.transposed
      let maps = mapPass(columns, entering: entry, values, of: wanted)
      return layout == .columns ? maps : maps.map(\.transposed)
    }
    guard isPlain else { return folded.pass(samples, layout, entering: entry, values, of: wanted) }
    var result: [Matrix] = []
    var below = samples
    for index in entry..<wanted.upperBound {
      let layer = layers[index]
      let z = layout == .columns ? layer.preactivations(of: below) : layer.preactivations(over: below)
      if values == .activations || index + 1 < wanted.upperBound { below = activation(z) }
      if wanted.contains(index) { result.append(values == .activations ? below : z) }
    }
    return result
  }

  /// The same of a network with convolutions, by plain loops: a second computation of what the kernels of convolutions do.
  /// Values are maps, flattened `[channel, row, column]`: `[number of the map, sample]`.
  private func mapPass(_ samples: Matrix, entering entry: Int, _ values: Values, of wanted: Range<Int>) -> [Matrix] {
    let sizes = architecture.convolutionalShape
    var result: [Matrix] = []
    var below = samples
    for index in entry..<wanted.upperBound {
      let (layer, map) = (layers[index], sizes.activationSizes[index])
      var z = layer.preactivations(ofMaps: below, of: sizes.inputSizes[index], giving: map)
      if let normalization = layer.normalization, normalization.placement == .beforeActivation {
        normalization.apply(to: &z, positionCount: map.positionCount)
      }
      if values == .preactivations, wanted.contains(index) { result.append(z) }
      below = activation(z)
      if values == .activations, wanted.contains(index) { result.append(below) }
      if let normalization = layer.normalization, normalization.placement == .afterActivation {
        normalization.apply(to: &below, positionCount: map.positionCount)
      }
      if let pooling = layer.pooling { below = pooling.maps(of: below, size: map) }
    }
    return result
  }

  /// Pre-activations of every layer for a block of samples; the last are the outputs. Those of a normalised network are
  /// those of the ``folded`` one: a normalisation before the activation is part of them.
  ///
  /// - Shape: `block` is `[feature, sample]`; results are `[node, sample]`.
  public func preactivations(of block: Matrix) -> [Matrix] {
    pass(block, .columns, .preactivations, of: layers.indices)
  }

  /// Pre-activations of one layer for a block of samples.
  ///
  /// - Shape: `block` is `[feature, sample]`, the result `[node, sample]`.
  public func preactivations(of block: Matrix, layer: Int) -> Matrix {
    pass(block, .columns, .preactivations, of: layer..<layer + 1)[0]
  }

  /// Activations of some hidden layers for a block of samples, lowest layer first.
  ///
  /// - Shape: `block` is `[feature, sample]`, results are `[node, sample]`.
  public func activations(of block: Matrix, layers: Range<Int>) -> [Matrix] {
    pass(block, .columns, .activations, of: layers)
  }

  /// Pre-activations of some layers for all samples at once; see ``NetworkLayer/preactivations(over:)``.
  ///
  /// - Parameter entry: the layer that the samples enter.
  /// - Shape: `samples` is `[sample, node below entry]`, results are `[sample, node]`, lowest layer first.
  public func preactivations(over samples: Matrix, entering entry: Int = 0, layers: Range<Int>) -> [Matrix] {
    pass(samples, .rows, entering: entry, .preactivations, of: layers)
  }

  /// Activations of a hidden layer for all samples at once; see ``NetworkLayer/preactivations(over:)``.
  ///
  /// - Parameter entry: the layer that the samples enter.
  /// - Shape: `samples` is `[sample, node below entry]`, the result `[sample, node]`.
  public func activations(over samples: Matrix, entering entry: Int = 0, layer: Int) -> Matrix {
    pass(samples, .rows, entering: entry, .activations, of: layer..<layer + 1)[0]
  }

  /// The outputs for all samples.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, the result `[sample, output]`.
  /// - Throws: ``ShapeError`` if the width of `inputs` is not the network's.
  /// - Complexity: O(samples x weights).
  public func outputs(for inputs: Matrix) throws(ShapeError) -> Matrix {
    try checkWidth(of: inputs)
    let plain = folded
    var result = Matrix(rowCount: inputs.rowCount, columnCount: outputCount)
    for block in SampleBlockSequence(inputs) {
      let outputs = plain.preactivations(of: block.inputs, layer: layers.count - 1)
      for i in 0..<block.validCount {
        for c in 0..<outputCount { result[block.first + i, c] = outputs[c, i] }
      }
    }
    return result
  }
}
