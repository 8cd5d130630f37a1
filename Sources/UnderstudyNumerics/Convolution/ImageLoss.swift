/// What the outputs for a batch of images should be.
public struct ImageTargets: Sendable, Equatable {
  /// A teacher's outputs (before softmax), `[image, output]`.
  public var outputs: [Float]?
  /// Classes, `[image]`.
  public var labels: [UInt8]?

  public init(outputs: [Float]? = nil, labels: [UInt8]? = nil) {
    self.outputs = outputs
    self.labels = labels
  }

  /// Whether they are of `count` images and as many outputs, and enough for a loss.
  func fit(_ loss: TrainingLoss, count: Int, outputCount: Int) -> Bool {
    if let outputs, outputs.count != count * outputCount { return false }
    if let labels, labels.count != count || !labels.allSatisfy({ $0 < outputCount }) { return false }
    return switch loss {
    case .squaredError: outputs != nil
    case .crossEntropy: outputs != nil || labels != nil
    case .distillation(_, let labelWeight):
      (outputs != nil || labelWeight == 1) && (labels != nil || labelWeight == 0)
    }
  }
}

/// The mean loss of a batch, in double precision, and its negative gradient towards the outputs.
///
/// - Shape: `outputs` and `gradient` are `[image, output]`.
func imageLoss(
  _ loss: TrainingLoss, outputs: UnsafePointer<Float>, targets: ImageTargets, count: Int, outputCount: Int,
  gradient: UnsafeMutablePointer<Float>
) -> Double {
  precondition(targets.fit(loss, count: count, outputCount: outputCount), "targets of another kind or size")
  var total = 0.0
  for image in 0..<count {
    let output = (0..<outputCount).map { Double(outputs[image * outputCount + $0]) }
    let target = targets.outputs.map { all in (0..<outputCount).map { Double(all[image * outputCount + $0]) } }
    let (value, slopes) = sampleLoss(loss, output: output, target: target, label: targets.labels.map { Int($0[image]) })
    total += value
    for c in 0..<outputCount { gradient[image * outputCount + c] = Float(-slopes[c] / Double(count)) }
  }
  return total / Double(count)
}

/// The mean loss of some images, in double precision.
///
/// - Shape: `outputs` is `[image, output]`.
/// - Precondition: the targets are what the loss needs, and as many.
public func imageLoss(
  _ loss: TrainingLoss, outputs: [Float], targets: ImageTargets, outputCount: Int
) -> Double {
  let count = outputs.count / outputCount
  var gradient = [Float](repeating: 0, count: outputs.count)
  return imageLoss(
    loss, outputs: outputs, targets: targets, count: count, outputCount: outputCount, gradient: &gradient)
}

/// The loss of one image, and its gradient towards the outputs.
private func sampleLoss(
  _ loss: TrainingLoss, output: [Double], target: [Double]?, label: Int?
) -> (value: Double, gradient: [Double]) {
  switch loss {
  case .squaredError:
    let errors = zip(output, target ?? []).map { $0 - $1 }
    return (errors.reduce(0) { $0 + $1 * $1 } / 2, errors)
  case .crossEntropy:
    return crossEntropy(output, label: label ?? largest(target ?? []))
  case .distillation(let temperature, let labelWeight):
    var (value, gradient) = (0.0, [Double](repeating: 0, count: output.count))
    if let target, labelWeight < 1 {
      let teacher = logSoftmax(target.map { $0 / temperature })
      let student = logSoftmax(output.map { $0 / temperature })
      for c in output.indices {
        let (t, s) = (exponential(teacher[c]), exponential(student[c]))
        value += (1 - labelWeight) * temperature * temperature * t * (teacher[c] - student[c])
        gradient[c] += (1 - labelWeight) * temperature * (s - t)
      }
    }
    if let label, labelWeight > 0 {
      let labelled = crossEntropy(output, label: label)
      value += labelWeight * labelled.value
      for c in output.indices { gradient[c] += labelWeight * labelled.gradient[c] }
    }
    return (value, gradient)
  }
}

private func crossEntropy(_ output: [Double], label: Int) -> (value: Double, gradient: [Double]) {
  let logarithms = logSoftmax(output)
  return (-logarithms[label], logarithms.indices.map { exponential(logarithms[$0]) - ($0 == label ? 1 : 0) })
}

private func logSoftmax(_ values: [Double]) -> [Double] {
  let largest = values.max() ?? 0
  let rest = logarithm(values.reduce(0) { $0 + exponential($1 - largest) })
  return values.map { $0 - largest - rest }
}

private func largest(_ values: [Double]) -> Int { values.indices.max { values[$0] < values[$1] } ?? 0 }
