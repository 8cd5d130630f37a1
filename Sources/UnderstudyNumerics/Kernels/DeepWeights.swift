/// One layer of a network of any depth, as a ``DeepKernel`` takes and gives it.
public struct DeepLayerWeights: Sendable, Equatable {
  /// `[node, input]`
  public var weights: Matrix
  /// `[node]`
  public var biases: [Double]?
  /// Running statistics of the layer's batch normalisation, `[node]`; nil without one.
  public var means: [Double]?
  public var variances: [Double]?
  /// Its learnt scale and shift, `[node]`; nil without them.
  public var scales: [Double]?
  public var shifts: [Double]?

  public init(
    weights: Matrix, biases: [Double]?, means: [Double]? = nil, variances: [Double]? = nil, scales: [Double]? = nil,
    shifts: [Double]? = nil
  ) {
    self.weights = weights
    self.biases = biases
    self.means = means
    self.variances = variances
    self.scales = scales
    self.shifts = shifts
  }
}

extension DeepKernel {
  /// The layers from the lowest to the output, converted to and from `Double`; a `Float` network's numbers survive the round
  /// trip exactly.
  public var layers: [DeepLayerWeights] {
    get {
      (0..<shape.layerCount).map { layer in
        let (inputs, nodes) = (shape.widths[layer], shape.widths[layer + 1])
        var matrix = Matrix(rowCount: nodes, columnCount: inputs)
        let start = weights[layer].start
        for node in 0..<nodes {
          for input in 0..<inputs { matrix[node, input] = Double(start[node * strides[layer] + input]) }
        }
        let biases = shape.hasBiases ? (0..<nodes).map { Double(start[$0 * strides[layer] + inputs]) } : nil
        func values(_ buffers: [AlignedBuffer<Scalar>]) -> [Double]? {
          layer < buffers.count ? (0..<nodes).map { Double(buffers[layer].start[$0]) } : nil
        }
        return DeepLayerWeights(
          weights: matrix, biases: biases, means: values(runningMeans), variances: values(runningVariances),
          scales: values(scales), shifts: values(shifts))
      }
    }
    set {
      precondition(newValue.count == shape.layerCount, "another depth")
      for (layer, new) in newValue.enumerated() {
        let (inputs, nodes) = (shape.widths[layer], shape.widths[layer + 1])
        precondition(new.weights.rowCount == nodes && new.weights.columnCount == inputs, "layer of another shape")
        precondition((new.biases != nil) == shape.hasBiases, "biases in every layer or in none")
        copyRows(of: new.weights, to: weights[layer].start, stride: strides[layer])
        for (node, bias) in (new.biases ?? []).enumerated() {
          weights[layer].start[node * strides[layer] + inputs] = Scalar(bias)
        }
        func write(_ values: [Double]?, to buffers: [AlignedBuffer<Scalar>]) {
          precondition(values?.count == (layer < buffers.count ? nodes : nil), "one number a normalised node")
          for (node, value) in (values ?? []).enumerated() { buffers[layer].start[node] = Scalar(value) }
        }
        write(new.means, to: runningMeans)
        write(new.variances, to: runningVariances)
        write(new.scales, to: scales)
        write(new.shifts, to: shifts)
      }
    }
  }
}
