import CUnderstudyKernels

/// Batch normalisation of a layer's maps, by channel over images and positions, with the activation before or after it.
///
/// Two passes over the maps forward (statistics, result) and two back, by own kernels: oneDNN's takes three and two, and two more
/// for the activation. Sums over the positions of an image are in single precision, those over images in double, in one order
/// whatever the number of threads. A class because steps change its memory in place.
final class MapNormalization {
  /// z, in the layout of the map below.
  let output: Tensor
  let scales: Parameter?
  let shifts: Parameter?
  let runningMeans: AlignedBuffer<Float>
  let runningVariances: AlignedBuffer<Float>
  private let input: Tensor
  private let map: us_map
  private let channelCount: Int
  private let imageCount: Int
  private let threadCount: Int
  private let slopes: (before: Double, after: Double)
  private let kernels: us_map_kernels
  // Of the batch, by channel; zeros behind the last channel, so that what pads the maps stays zero.
  private let means: AlignedBuffer<Float>
  private let inverses: AlignedBuffer<Float>
  private let factors: AlignedBuffer<Float>
  private let offsets: AlignedBuffer<Float>
  private let meanGradients: AlignedBuffer<Float>
  private let gradientSlopes: AlignedBuffer<Float>
  /// Two sums of each image and channel.
  private let sums: (AlignedBuffer<Float>, AlignedBuffer<Float>)

  init(
    layer: Int, _ kind: ConvolutionalShape.Layer, input: Tensor, negativeSlope: Double, threadCount: Int,
    _ builder: PassBuilder
  ) throws(ConvolutionError) {
    guard let map = input.layout.map else {
      throw ConvolutionError(
        request: "layer \(layerLabel(ofIndex: layer)), normalisation", reason: "gave a layout without channels")
    }
    self.input = input
    self.map = us_map(blocks: Int64(map.blocks), positions: Int64(map.positions), lanes: Int64(map.lanes))
    self.threadCount = threadCount
    (channelCount, imageCount) = (kind.nodeCount, input.layout.sizes[0])
    slopes = kind.normalization == .afterActivation ? (negativeSlope, 1) : (1, negativeSlope)
    guard let kernels = us_map_kernels_of(InstructionSet.best.code)?.pointee else {
      preconditionFailure("no kernels for this processor")
    }
    self.kernels = kernels
    output = try builder.tensor(input.layout)
    let count = map.blocks * map.lanes
    func parameter() -> Parameter { builder.parameter(layer: layer, layout: Layout([kind.nodeCount]), count: count) }
    func buffer(_ images: Int = 1) -> AlignedBuffer<Float> { builder.buffer(images * count) }
    (scales, shifts) = kind.hasLearntScale ? (parameter(), parameter()) : (nil, nil)
    (runningMeans, runningVariances) = (buffer(), buffer())
    (means, inverses, factors, offsets) = (buffer(), buffer(), buffer(), buffer())
    (meanGradients, gradientSlopes) = (buffer(), buffer())
    sums = (buffer(imageCount), buffer(imageCount))
  }

  private var channelPad: Int { Int(map.blocks * map.lanes) }
  private var imagePad: Int { channelPad * Int(map.positions) }
  /// Numbers that a channel's statistics are over.
  var sampleCount: Int { imageCount * Int(map.positions) }

  /// By the statistics of the batch, which the running ones follow as PyTorch's: weight 0.1, the variance unbiased.
  func forwardInTraining() {
    measure()
    let unbiased = Float(sampleCount) / Float(max(1, sampleCount - 1))
    for channel in 0..<channelCount {
      let (mean, variance) = moments(of: channel)
      means.start[channel] = mean
      inverses.start[channel] = Float(1 / (Double(variance) + normalizationEpsilon).squareRoot())
      runningMeans.start[channel] += (mean - runningMeans.start[channel]) * 0.1
      runningVariances.start[channel] += (variance * unbiased - runningVariances.start[channel]) * 0.1
      setFactor(of: channel, mean: mean, inverse: inverses.start[channel])
    }
    normalize()
  }

  /// By the running statistics.
  func forwardInEvaluation() {
    for channel in 0..<channelCount {
      let inverse = 1 / (Double(runningVariances.start[channel]) + normalizationEpsilon).squareRoot()
      setFactor(of: channel, mean: runningMeans.start[channel], inverse: Float(inverse))
    }
    normalize()
  }

  /// The gradient at the output becomes, in place, that at the linear map below; those of scale and shift are stored.
  func backward(_ gradient: Tensor) {
    withNormalization(slopes) { normalization in
      overImages { map, image in
        kernels.backward_sums(
          map, gradient.start + image * imagePad, input.start + image * imagePad, normalization,
          sums.0.start + image * channelPad, sums.1.start + image * channelPad)
      }
      for channel in 0..<channelCount {
        let (sum, product) = total(of: channel)
        let inverse = Double(inverses.start[channel])
        shifts?.gradient.start[channel] = Float(sum)
        scales?.gradient.start[channel] = Float(product * inverse)
        meanGradients.start[channel] = Float(sum / Double(sampleCount))
        gradientSlopes.start[channel] = Float(product * inverse * inverse / Double(sampleCount))
      }
    }
    backward(gradient, slopes: slopes)
  }

  /// The way back through ``forwardInEvaluation()``, which came before: the gradient at the normalised maps becomes, in place,
  /// that at the maps that were normalised. The activation is left out, on whichever side it is.
  func backwardInEvaluation(_ gradient: Tensor) {
    // Running statistics are constants: nothing comes back through them.
    meanGradients.clear()
    gradientSlopes.clear()
    backward(gradient, slopes: (1, 1))
  }

  // MARK: Passes over the maps

  /// Sums of differences, and of their squares, from the first image's means: nearly central moments, which a single pass gives
  /// without cancellation.
  private func measure() {
    means.clear()
    withUnsafePointer(to: map) { kernels.moments($0, input.start, means.start, sums.0.start, sums.1.start) }
    for channel in 0..<channelCount { means.start[channel] = sums.0.start[channel] / Float(map.positions) }
    overImages { map, image in
      kernels.moments(
        map, input.start + image * imagePad, means.start, sums.0.start + image * channelPad,
        sums.1.start + image * channelPad)
    }
  }

  private func moments(of channel: Int) -> (mean: Float, variance: Float) {
    let (sum, square) = total(of: channel)
    let difference = sum / Double(sampleCount)
    return (
      Float(Double(means.start[channel]) + difference),
      Float(max(0, square / Double(sampleCount) - difference * difference))
    )
  }

  private func total(of channel: Int) -> (Double, Double) {
    var total = (0.0, 0.0)
    for image in 0..<imageCount {
      total.0 += Double(sums.0.start[image * channelPad + channel])
      total.1 += Double(sums.1.start[image * channelPad + channel])
    }
    return total
  }

  private func setFactor(of channel: Int, mean: Float, inverse: Float) {
    let factor = inverse * (scales?.values.start[channel] ?? 1)
    factors.start[channel] = factor
    offsets.start[channel] = (shifts?.values.start[channel] ?? 0) - mean * factor
  }

  private func normalize() {
    overImages { map, image in
      kernels.affine(
        map, input.start + image * imagePad, output.start + image * imagePad, factors.start, offsets.start,
        slopes.after)
    }
  }

  /// What comes back through the maps themselves, and through their statistics.
  private func backward(_ gradient: Tensor, slopes: (before: Double, after: Double)) {
    withNormalization(slopes) { normalization in
      overImages { map, image in
        kernels.backward(
          map, gradient.start + image * imagePad, input.start + image * imagePad, normalization, meanGradients.start,
          gradientSlopes.start)
      }
    }
  }

  private func withNormalization(
    _ slopes: (before: Double, after: Double), _ body: (UnsafePointer<us_map_normalization>) -> Void
  ) {
    withUnsafePointer(
      to: us_map_normalization(
        means: means.start, factors: factors.start, offsets: offsets.start, slope_after: Float(slopes.after),
        slope_before: Float(slopes.before)), body)
  }

  private func overImages(_ body: (UnsafePointer<us_map>, Int) -> Void) {
    withUnsafePointer(to: map) { map in
      OpenMP.share(imageCount, threads: threadCount) { images in
        for image in images { body(map, image) }
      }
    }
  }
}
