import UnderstudyNetworks
import UnderstudyNumerics

/// What a network is pruned over: inputs that the smaller one is fitted to, and others that it is judged by.
public struct PruningData: Sendable {
  let fitting: ImageBatcher
  let evaluation: ImageBatcher
  /// Of the evaluation's images; nil of inputs without labels.
  let labels: [UInt8]?
  /// The set of images, or the array file.
  public let name: String

  public var fittingCount: Int { fitting.set.count }
  public var evaluationCount: Int { evaluation.set.count }

  /// What they are, in words.
  public var description: String {
    labels == nil
      ? "\(fittingCount) samples of \(name); the output change is of \(evaluationCount) others"
      : "\(fittingCount) training images of \(name); output change and accuracy are of \(evaluationCount) others"
  }
}

extension PruningData {
  /// The first images of both parts of a set.
  ///
  /// - Parameters:
  ///   - count: of each part at most.
  ///   - normalization: of their channels; nil: as in studies, by means and deviations of the set.
  /// - Throws: ``FileError`` if there is no such set, or it is damaged, or has other channels.
  public init(images name: String, count: Int, normalization given: ChannelNormalization? = nil) throws(FileError) {
    let source = try ImageSource.find(name)
    let (training, evaluation) = (try source.load(.training), try source.load(.evaluation))
    let normalization: ChannelNormalization
    do { normalization = try source.normalization(of: training, given: given) } catch {
      throw FileError(path: name, message: "\(error)")
    }
    let judging = evaluation.prefix(min(count, evaluation.count))
    self.init(
      fitting: ImageBatcher(training.prefix(min(count, training.count)), normalization: normalization),
      evaluation: ImageBatcher(judging, normalization: normalization), labels: judging.labels, name: name)
  }

  /// The first rows of an array `[sample, feature]`, of which the last tenth judges.
  ///
  /// - Throws: ``FileError`` if the file holds no such array, or fewer than 20 rows.
  public init(inputs path: String, count: Int) throws(FileError) {
    let matrix = try ArrayFile.readMatrix(path: path)
    let rows = min(count, matrix.rowCount)
    guard rows >= 20 else {
      let isWide = matrix.columnCount >= 20
      throw FileError(
        path: path,
        message: "has \(rows) samples to prune over; give 20 or more"
          + (isWide ? ", or transpose it if its columns are the samples: arrays are [sample, feature]" : ""))
    }
    // Single precision is from 1e-38 to 1e38, and activations are products.
    let largest = matrix.values.reduce(0) { max($0, abs($1)) }
    guard largest == 0 || (1e-25...1e25).contains(largest) else {
      throw FileError(
        path: path,
        message: "has numbers of up to \(largest), and pruning computes in single precision; multiply them by a power "
          + "of 10, and divide the weights of the lowest layer by it")
    }
    let held = rows / 10
    func batcher(_ range: Range<Int>) -> ImageBatcher {
      let values = range.flatMap { matrix.row($0).map { Float($0) } }
      let pixels = StoredPixels(
        .numbers(values), size: MapSize(channels: matrix.columnCount, rows: 1, columns: 1), count: range.count)
      return ImageBatcher(unlabelled: pixels)
    }
    self.init(fitting: batcher(0..<rows - held), evaluation: batcher(rows - held..<rows), labels: nil, name: path)
  }
}
