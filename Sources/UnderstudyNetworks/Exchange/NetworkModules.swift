import UnderstudyNumerics

/// One step of a network's function, as PyTorch has a module and ONNX an operator for it.
enum NetworkModule: Hashable {
  /// The convolution or the fully connected map of a layer, by its index.
  case linear(Int)
  case normalization(Int)
  /// With its slope on the negative side.
  case activation(Double)
  case pooling(Pooling)
  /// Of a map, `[channel, row, column]`, before the first fully connected layer.
  case flatten
}

extension Network {
  /// The steps, from the inputs on.
  var modules: [NetworkModule] {
    var result: [NetworkModule] = []
    for (index, layer) in layers.enumerated() {
      if layer.kind == .dense, !isDense, index == 0 || layers[index - 1].kind != .dense { result.append(.flatten) }
      result.append(.linear(index))
      guard index < layers.count - 1 else { break }
      let placement = layer.normalization?.placement
      if placement == .beforeActivation { result.append(.normalization(index)) }
      if activation != .linear { result.append(.activation(activation.negativeSlope)) }
      if placement == .afterActivation { result.append(.normalization(index)) }
      if let pooling = layer.pooling { result.append(.pooling(pooling)) }
    }
    return result
  }

  /// A `torch.nn.Sequential` of the same function, in Python; `nn` is `torch.nn`.
  ///
  /// - Throws: ``ShapeError`` if PyTorch has no such pooling.
  /// - Complexity: O(layers).
  public func pytorchModule() throws(ShapeError) -> String {
    var lines: [String] = []
    for module in modules { lines.append("    nn.\(try pytorchCall(module)),\n") }
    return "nn.Sequential(\n\(lines.joined()))"
  }

  private func pytorchCall(_ module: NetworkModule) throws(ShapeError) -> String {
    switch module {
    case .linear(let index):
      let layer = layers[index]
      let bias = layer.biases == nil ? ", bias=False" : ""
      guard case .convolution(let window) = layer.kind else {
        return "Linear(\(layer.inputCount), \(layer.nodeCount)\(bias))"
      }
      return
        "Conv2d(\(layer.inputCount / window.count), \(layer.nodeCount), \(window.pytorchArguments(stride: 1))\(bias))"
    case .normalization(let index):
      let layer = layers[index]
      let affine = layer.normalization?.scales == nil ? ", affine=False" : ""
      return "BatchNorm\(layer.kind == .dense ? 1 : 2)d(\(layer.nodeCount)\(affine))"
    case .activation(let slope): return slope == 0 ? "ReLU()" : "LeakyReLU(\(slope))"
    case .pooling(.maximum(let window)): return "MaxPool2d(\(try window.pytorchPooling()))"
    case .pooling(.average(let window)):
      let counted = window.rowPadding + window.columnPadding > 0 ? ", count_include_pad=False" : ""
      return "AvgPool2d(\(try window.pytorchPooling())\(counted))"
    case .pooling(.globalAverage): return "AdaptiveAvgPool2d(1)"
    case .flatten: return "Flatten()"
    }
  }
}

extension Window {
  /// - Parameter stride: what PyTorch takes if none is given; nil: the size.
  fileprivate func pytorchArguments(stride: Int?) -> String {
    func pair(_ rows: Int, _ columns: Int) -> String { rows == columns ? "\(rows)" : "(\(rows), \(columns))" }
    var words = [pair(rows, columns)]
    if (rowStride, columnStride) != (stride ?? rows, stride ?? columns) {
      words.append("stride=\(pair(rowStride, columnStride))")
    }
    if (rowPadding, columnPadding) != (0, 0) { words.append("padding=\(pair(rowPadding, columnPadding))") }
    return words.joined(separator: ", ")
  }

  fileprivate func pytorchPooling() throws(ShapeError) -> String {
    guard 2 * rowPadding <= rows, 2 * columnPadding <= columns else {
      throw ShapeError(
        "PyTorch pads a pooling by half of its window at most, and a window of \(self) has a padding of \(rowPadding) x "
          + "\(columnPadding); write ONNX instead (a file ending in .onnx)")
    }
    return pytorchArguments(stride: nil)
  }
}

extension MapSize {
  /// As files and commands write it: `3x32x32`.
  var written: String { "\(channels)x\(rows)x\(columns)" }

  /// - Returns: nil for what has not this form, or a side that no image has.
  public init?(written text: String) {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard sides.count == 3, sides.allSatisfy({ (1...100_000).contains($0) }) else { return nil }
    self.init(channels: sides[0], rows: sides[1], columns: sides[2])
  }
}
